//! What has to be in the store before the application serves: the policies in force, and one admin key.

use crate::native::Native;
use crate::policy;
use anyhow::{Context as _, anyhow};
use rescind_host::store::Store;
use rescind_service::App;
use rescind_service::principal::Bearer;
use std::path::Path;
use std::sync::Arc;

/// Installs the packs of a folder and makes the first admin key; gives the key's token if it was made now.
pub async fn provision(store: &Arc<dyn Store>, policies: &Path) -> anyhow::Result<(App<Native>, Option<String>)> {
    let packs = policy::read(policies)?;
    let app = App::new(Native::new(Arc::clone(store)));
    for (file, compiled) in packs {
        let name = compiled.document().name.clone();
        app.put_policy(&name, compiled.canonical())
            .await
            .map_err(|e| anyhow!("the policy {} cannot be installed: {e}", file.display()))?;
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
