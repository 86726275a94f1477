//! The components: cargo compiles each to a core module, which becomes a validated component.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use wit_component::{ComponentEncoder, DecodedWasm};

use crate::checkout::Checkout;
use crate::command::{cargo, shown};
use crate::problem::Problem;
use crate::steps::Steps;
use crate::toolchain::{self, Toolchain, WASM, Way};

/// Changes whenever the way a core module becomes a component does, so that stamps of another way do not count.
const ENCODING: &str = "wit-component 0.254, validated, no adapter";

/// A folder of `components/` that cargo builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    package: String,
    manifest: PathBuf,
    /// Whether it reaches out to its host, and is composed with those that do not.
    has_hands: bool,
}

/// Finds the components: every folder of `components/` with a `Cargo.toml`, the pure ones first, then in the order of their
/// names; if `only` names any, those alone.
///
/// # Errors
///
/// If a manifest cannot be read or names no package, or a name in `only` is not there.
pub fn sources(checkout: &Checkout, only: &[String]) -> Result<Vec<Source>> {
    #[derive(Deserialize)]
    struct Manifest {
        package: Package,
        #[serde(default)]
        dependencies: toml::Table,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
    }

    let folder = checkout.component_sources();
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("{} could not be read", folder.display()))? {
        let entry = entry?;
        let manifest = entry.path().join("Cargo.toml");
        if !manifest.is_file() {
            // A static page, or one that is not written yet.
            continue;
        }
        let text = fs::read_to_string(&manifest)?;
        let parsed: Manifest =
            toml::from_str(&text).with_context(|| format!("{} is not a package manifest", manifest.display()))?;
        found.push(Source {
            name: entry.file_name().to_string_lossy().into_owned(),
            package: parsed.package.name,
            manifest,
            has_hands: parsed.dependencies.contains_key("rescind-guest"),
        });
    }
    // The pure ones first: the others are told which components they record decisions and transitions of.
    found.sort_by(|left, right| (left.has_hands, &left.name).cmp(&(right.has_hands, &right.name)));
    for name in only {
        if !found.iter().any(|source| source.name == *name) {
            let names: Vec<&str> = found.iter().map(|source| source.name.as_str()).collect();
            return Err(Problem::new(
                format!("there is no component `{name}`"),
                format!("name one of: {}", names.join(", ")),
            )
            .into());
        }
    }
    if !only.is_empty() {
        found.retain(|source| only.contains(&source.name));
    }
    Ok(found)
}

/// How many steps [`build`] takes.
pub fn steps(sources: &[Source]) -> usize {
    sources.len().saturating_add(1)
}

/// Builds every component into `target/components`.
///
/// # Errors
///
/// If no compiler is found, or for any of the components: cargo fails, the package builds no core module, or the module
/// is not a component.
pub fn build(checkout: &Checkout, sources: &[Source], way: Way, steps: &mut Steps) -> Result<()> {
    let mut chosen = None;
    steps.quiet("finding a compiler for wasm", || {
        let toolchain = toolchain::find(checkout, way, WASM)?;
        let found = toolchain.found().to_owned();
        chosen = Some(toolchain);
        Ok(found)
    })?;
    let toolchain = chosen.ok_or_else(|| anyhow!("no compiler was chosen"))?;
    fs::create_dir_all(checkout.components())?;
    // All of them before giving up, so that one unfinished component does not hide the others.
    let mut failed = Vec::new();
    for source in sources {
        let outcome = steps.loud(&format!("building component {}", source.name), || {
            let module = compile(checkout, source, &toolchain)?;
            componentize(checkout, source, &module)
        });
        if let Err(reason) = outcome {
            failed.push(format!("component {}: {reason:#}", source.name));
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(anyhow!("{}", failed.join("\n")))
}

/// Compiles one component and gives its core module.
///
/// The `cdylib` is asked for here, and manifests name no crate type. A library that is both `cdylib` and `rlib` gets no
/// link-time optimisation from cargo, and a native `cdylib` does not link, for the names of WIT exports (`a:b/c#d`) mean
/// something else to a native linker. Cargo takes `--crate-type` for one package at a time, hence one run each.
fn compile(checkout: &Checkout, source: &Source, toolchain: &Toolchain) -> Result<PathBuf> {
    let mut cargo = cargo();
    cargo
        .current_dir(checkout.root())
        .args(["rustc", "--package", &source.package])
        .args(["--lib", "--crate-type", "cdylib"])
        .args(["--target", WASM.triple, "--profile", "wasm"])
        .args(["--message-format", "json-render-diagnostics"])
        .arg("--target-dir")
        .arg(checkout.wasm_target());
    toolchain.apply(&mut cargo);
    // Flags meant for native code (a target CPU, a linker) break wasm; ours keep machine paths out of the bytes.
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", remapped_paths(checkout));
    if source.has_hands {
        for (file, variable) in
            [("refunds.wasm", "RESCIND_REFUNDS_DIGEST"), ("eligibility.wasm", "RESCIND_ELIGIBILITY_DIGEST")]
        {
            let pure = checkout.components().join(file);
            let bytes = fs::read(&pure).with_context(|| format!("{} has to be built first", pure.display()))?;
            cargo.env(variable, hex::encode(Sha256::digest(bytes)));
        }
    }
    let output = cargo
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{}` could not be started", shown(&cargo)))?;
    if !output.status.success() {
        return Err(Problem::new(
            format!("package `{}` did not compile for {} ({})", source.package, WASM.triple, output.status),
            "correct the errors above; a dependency that wants an operating system needs other features on this target",
        )
        .into());
    }
    core_module(&String::from_utf8_lossy(&output.stdout), &source.manifest)
}

/// Replaces the places of the checkout and of cargo's home in panic messages: the same sources and compiler then give
/// the same bytes wherever they are built.
fn remapped_paths(checkout: &Checkout) -> String {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| {
        let user = env::home_dir()?;
        Some(user.join(".cargo"))
    });
    let mut flags = vec![format!("--remap-path-prefix={}=.", checkout.root().display())];
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    // The separator of cargo's encoded flags, so that a path may have spaces.
    flags.join("\u{1f}")
}

/// Reads cargo's messages for the `.wasm` file of the package with this manifest.
fn core_module(messages: &str, manifest: &Path) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        manifest_path: Option<PathBuf>,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }

    for line in messages.lines().filter(|line| line.starts_with('{')) {
        let message: Message = serde_json::from_str(line).context("cargo printed a message of an unknown form")?;
        if message.reason != "compiler-artifact" || message.manifest_path.as_deref() != Some(manifest) {
            continue;
        }
        let module =
            message.filenames.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        if let Some(module) = module {
            return Ok(module);
        }
    }
    Err(Problem::new(
        format!("{} built no core module", manifest.display()),
        "give the package a library, `src/lib.rs`",
    )
    .into())
}

/// Turns one core module into a component unless the one there was made of these very bytes.
fn componentize(checkout: &Checkout, source: &Source, module: &Path) -> Result<String> {
    let core = fs::read(module).with_context(|| format!("{} could not be read", module.display()))?;
    let target = checkout.components().join(format!("{}.wasm", source.name));
    let stamp = checkout.components().join(format!("{}.stamp", source.name));
    let key = hex::encode(Sha256::new().chain_update(ENCODING).chain_update(&core).finalize());

    let kept = fs::read_to_string(&stamp).ok();
    let (state, component) = match fs::read(&target) {
        // The stamp has both ends, so that a replaced or cut-off component is made again.
        Ok(component) if kept.as_deref() == Some(&stamp_text(&key, &component)) => ("up to date, ", component),
        _ => {
            let component = encode(&core)?;
            // Whole or not at all: a host may be reading the folder.
            let fresh = target.with_extension("new");
            fs::write(&fresh, &component)?;
            fs::rename(&fresh, &target)?;
            fs::write(&stamp, stamp_text(&key, &component))?;
            ("", component)
        }
    };
    let kilobytes = component.len().div_ceil(1000);
    Ok(format!("{state}{kilobytes} kB, imports {}", imports(&component)?))
}

fn stamp_text(key: &str, component: &[u8]) -> String {
    format!("{key} {}\n", hex::encode(Sha256::digest(component)))
}

/// Encodes and validates a component. There is no adapter: what the module does not name, the component does not import.
fn encode(core: &[u8]) -> Result<Vec<u8>> {
    let component = ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|reason| {
            Problem::new(
                format!("the core module is not a component: {reason:#}"),
                "an import from `env` or `__wbindgen…` comes of a dependency that expects a browser or libc: switch off its default features",
            )
        })?;
    if exports_nothing(&component)? {
        return Err(Problem::new(
            "the component exports nothing",
            "call wit_bindgen's `export!` (or spin_sdk's `#[http_service]`) in the component's crate",
        )
        .into());
    }
    Ok(component)
}

fn world(component: &[u8]) -> Result<(wit_parser::Resolve, wit_parser::WorldId)> {
    match wit_component::decode(component)? {
        DecodedWasm::Component(resolve, world) => Ok((resolve, world)),
        DecodedWasm::WitPackage(..) => Err(anyhow!("a WIT package is not a component")),
    }
}

fn exports_nothing(component: &[u8]) -> Result<bool> {
    let (resolve, id) = world(component)?;
    Ok(resolve.worlds.get(id).is_none_or(|world| world.exports.is_empty()))
}

/// The import list, which is what a component can touch.
fn imports(component: &[u8]) -> Result<String> {
    let (resolve, id) = world(component)?;
    let names: Vec<String> = resolve
        .worlds
        .get(id)
        .map(|world| world.imports.keys().map(|key| resolve.name_world_key(key)).collect())
        .unwrap_or_default();
    Ok(if names.is_empty() { "nothing".to_owned() } else { names.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_module_is_the_wasm_artifact_of_the_package_itself() -> Result<()> {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","manifest_path":"/c/refunds/Cargo.toml","filenames":["/t/refunds.wasm"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/c/gateway/Cargo.toml","filenames":["/t/libgateway.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","manifest_path":"/c/gateway/Cargo.toml","filenames":["/t/gateway.wasm"],"fresh":true}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(core_module(messages, Path::new("/c/gateway/Cargo.toml"))?, Path::new("/t/gateway.wasm"));
        assert!(core_module(messages, Path::new("/c/courier/Cargo.toml")).is_err());
        Ok(())
    }

    #[test]
    fn a_module_without_an_export_is_refused() {
        // The empty core module: its magic number and version.
        let reason = encode(b"\0asm\x01\0\0\0").map_err(|reason| reason.to_string());
        assert!(reason.is_err_and(|reason| reason.contains("exports nothing")));
    }
}
