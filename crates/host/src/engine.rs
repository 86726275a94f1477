//! The one engine of the host, and compiled components kept on disk so that a restart is quick.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;
use wasmtime::{Config, Engine, OptLevel, PoolingAllocationConfig};

use crate::error::HostError;
use crate::limits;

/// Bytes of the digest in front of a kept component.
const DIGEST: usize = 32;

/// What the pool is made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Capacity {
    /// Instances at once.
    pub(crate) instances: u32,
    /// Bytes of memory of one instance.
    pub(crate) memory: usize,
}

/// Makes the engine.
pub(crate) fn engine(capacity: Capacity) -> Result<Engine, HostError> {
    let instances = capacity.instances;
    let mut pool = PoolingAllocationConfig::new();
    // One more than may run: a dropped instance's slot is free only when its destructor has run.
    pool.total_component_instances(instances.saturating_add(1));
    pool.total_core_instances(instances.saturating_mul(limits::CORE_INSTANCES_PER_COMPONENT));
    pool.total_memories(instances.saturating_add(1).saturating_mul(limits::MEMORIES_PER_COMPONENT));
    pool.total_tables(instances.saturating_add(1).saturating_mul(limits::TABLES_PER_COMPONENT));
    // A guest with several tasks has a stack for each; eight is what one request of ours ever has.
    pool.total_stacks(instances.saturating_mul(8));
    pool.max_core_instances_per_component(limits::CORE_INSTANCES_PER_COMPONENT);
    pool.max_memories_per_component(limits::MEMORIES_PER_COMPONENT);
    pool.max_tables_per_component(limits::TABLES_PER_COMPONENT);
    pool.max_memory_size(capacity.memory);
    pool.table_elements(limits::TABLE_ELEMENTS);
    pool.linear_memory_keep_resident(limits::KEEP_RESIDENT_BYTES);
    let mut config = Config::new();
    config.allocation_strategy(pool);
    config.wasm_component_model_async(true);
    config.epoch_interruption(true);
    config.max_wasm_stack(limits::GUEST_STACK_BYTES);
    config.async_stack_size(limits::FIBER_STACK_BYTES);
    config.cranelift_opt_level(OptLevel::Speed);
    Engine::new(&config).map_err(|error| HostError::Engine { reason: format!("{error:#}") })
}

/// A component compiled as `rescind serve` compiles it, and the engine with its default limits: for holding answers of
/// this host against those of others.
///
/// # Errors
/// [`HostError::Engine`] if there is no engine for this machine, [`HostError::Component`] if the bytes do not compile; `id`
/// names the component in it.
pub fn compiled(id: &str, bytes: &[u8]) -> Result<(Engine, Component), HostError> {
    let engine = engine(Capacity { instances: limits::INSTANCES, memory: limits::INSTANCE_MEMORY_BYTES })?;
    let component = compile_now(&engine, id, bytes)?;
    Ok((engine, component))
}

/// Advances the engine's epoch until dropped, so that a busy guest lets others have its thread.
#[derive(Debug)]
pub(crate) struct Clock {
    stop: Arc<AtomicBool>,
}

impl Clock {
    pub(crate) fn start(engine: &Engine) -> Result<Self, HostError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, weak) = (Arc::clone(&stop), engine.weak());
        let tick = move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(limits::EPOCH_TICK);
                match weak.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("epoch".to_owned()).spawn(tick);
        thread.map_err(|error| HostError::Engine { reason: format!("its clock: {error}") })?;
        Ok(Self { stop })
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Compiles the component, or takes what an earlier start compiled from the same bytes for the same engine.
pub(crate) fn compile(engine: &Engine, id: &str, bytes: &[u8], cache: Option<&Path>) -> Result<Component, HostError> {
    let Some(folder) = cache.and_then(usable) else {
        return compile_now(engine, id, bytes);
    };
    let path = folder.join(format!("{}.cwasm", key(engine, bytes)));
    if let Some(component) = load(engine, &path) {
        return Ok(component);
    }
    let component = compile_now(engine, id, bytes)?;
    if let Err(error) = keep(&component, &path) {
        tracing::warn!(component = id, path = %path.display(), %error, "the compiled component was not kept; the next start compiles it again");
    }
    Ok(component)
}

fn compile_now(engine: &Engine, id: &str, bytes: &[u8]) -> Result<Component, HostError> {
    let refuse = |error: wasmtime::Error| HostError::Component {
        component: id.to_owned(),
        reason: format!("it does not compile: {error:#}; expected a component built for wasi:http@0.3"),
    };
    Component::new(engine, bytes).map_err(refuse)
}

/// Names the compiled form: the component's bytes, the engine's settings, the processor and this host's version.
fn key(engine: &Engine, bytes: &[u8]) -> String {
    let mut settings = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut settings);
    let mut digest = Sha256::new();
    digest.update(bytes);
    digest.update(settings.finish().to_le_bytes());
    digest.update(env!("CARGO_PKG_VERSION"));
    hex::encode(digest.finalize())
}

/// A compiled component is machine code: the folder must be this user's alone.
fn usable(folder: &Path) -> Option<PathBuf> {
    let made = std::fs::create_dir_all(folder).and_then(|()| std::fs::metadata(folder));
    let problem = match made {
        Err(error) => error.to_string(),
        Ok(metadata) => match others_may_write(folder, &metadata) {
            Ok(()) => return Some(folder.to_owned()),
            Err(problem) => problem,
        },
    };
    tracing::warn!(folder = %folder.display(), problem, "compiled components are not kept; every start compiles them");
    None
}

#[cfg(unix)]
fn others_may_write(folder: &Path, metadata: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    if metadata.permissions().mode() & 0o022 == 0 {
        return Ok(());
    }
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .map_err(|error| format!("others may write to it: {error}"))
}

#[cfg(not(unix))]
fn others_may_write(_folder: &Path, _metadata: &std::fs::Metadata) -> Result<(), String> {
    Ok(())
}

fn load(engine: &Engine, path: &Path) -> Option<Component> {
    let kept = std::fs::read(path).ok()?;
    let (digest, compiled) = kept.split_at_checked(DIGEST)?;
    // A file that was cut off by a crash must not be run.
    if Sha256::digest(compiled).as_slice() != digest {
        return None;
    }
    // SAFETY: the bytes are whole (digest above) and come from `Component::serialize` of this program: only this user
    // can write to the folder (see `usable`), and whoever can act as this user can replace the program itself.
    // wasmtime checks its version and the engine's settings by itself.
    #[expect(unsafe_code, reason = "loading machine code that this program compiled itself, see above")]
    let component = unsafe { Component::deserialize(engine, compiled) };
    component.ok()
}

fn keep(component: &Component, path: &Path) -> Result<(), String> {
    let compiled = component.serialize().map_err(|error| error.to_string())?;
    let mut kept = Sha256::digest(&compiled).to_vec();
    kept.extend_from_slice(&compiled);
    // Two hosts starting at once each write their own file; the last rename wins with the same content.
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    std::fs::write(&draft, kept).and_then(|()| std::fs::rename(&draft, path)).map_err(|error| error.to_string())
}
