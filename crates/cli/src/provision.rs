//! What has to be in the store before the application serves: the policies in force, and one admin key.

use crate::native::Native;
use crate::policy;
use anyhow::{Context as _, anyhow};
use rescind_host::store::Store;
use rescind_policy::Compiled;
use rescind_service::App;
use rescind_service::error::Error;
use rescind_service::principal::Bearer;
use std::path::Path;
use std::sync::Arc;

/// Why a pack cannot be installed, and what to do.
async fn not_installed(app: &App<Native>, file: &Path, compiled: &Compiled, error: &Error) -> anyhow::Error {
    let (document, file) = (compiled.document(), file.display());
    let (name, version) = (&document.name, &document.version);
    match (error, app.policy_version(name, version).await) {
        (Error::Conflict { code: "policy.version-taken", .. }, Ok(kept)) => anyhow!(
            "the policy {file} cannot be installed: it is {name} {version} with the hash {}, and the database has {name} {version} with \
             the hash {}. What was once installed never changes: give {file} a version of its own (`version = …`), or take back \
             what was changed in it",
            compiled.hash(),
            kept.hash
        ),
        _ => anyhow!("the policy {file} cannot be installed: {error}"),
    }
}

/// Installs the packs of a folder and makes the first admin key; gives the key's token if it was made now.
pub async fn provision(store: &Arc<dyn Store>, policies: &Path) -> anyhow::Result<(App<Native>, Option<String>)> {
    let packs = policy::read(policies)?;
    let app = App::new(Native::new(Arc::clone(store)));
    for (file, compiled) in packs {
        let name = compiled.document().name.clone();
        if let Err(error) = app.put_policy(&name, compiled.canonical()).await {
            return Err(not_installed(&app, &file, &compiled, &error).await);
        }
    }
    let token = if app.has_keys().await.map_err(|e| anyhow!("{e:?}"))? {
        None
    } else {
        let made = app.make_key(Bearer::Admin, "first admin key".to_owned()).await;
        Some(made.map_err(|e| anyhow!("the first admin key cannot be made: {e}"))?.1)
    };
    app.ports.durable().await.context("the store did not take the first records")?;
    Ok((app, token))
}
