//! One profile of the engine for whoever translates a component and whoever runs it.
//!
//! Loading a translated component demands equal settings on both sides, and the engine's defaults differ by platform and by
//! the features it was built with. So every setting that goes into the comparison is named here, and nowhere else.

use crate::error::DeciderError;
use crate::limits;
use std::fmt;
use wasmtime::{Config, Enabled, PoolingAllocationConfig};

/// Address space behind one memory where there is plenty: a 32-bit index can never leave it, so no bounds are checked.
const RESERVED_64: u64 = 1 << 32;

/// Unmapped space after it, for the constant offsets that are added to an index.
const GUARD_64: u64 = 32 << 20;

/// What a component is translated for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// This very machine, with all that its processor can do. Never for code that leaves it.
    Host,
    /// Pulley's byte code in this machine's pointer width: where there is no native code generator.
    Pulley,
    /// A processor by its triple, with what all processors of its kind can do: `aarch64-unknown-linux-gnu`, `pulley32`, …
    Named(String),
}

impl Target {
    /// The triple that the engine is told. `None`: the engine looks at the machine.
    #[must_use]
    pub fn triple(&self) -> Option<&str> {
        match self {
            Self::Host => None,
            Self::Pulley if cfg!(target_pointer_width = "32") => Some("pulley32"),
            Self::Pulley => Some("pulley64"),
            Self::Named(triple) => Some(triple),
        }
    }

    /// Whether it is byte code.
    #[must_use]
    pub fn is_pulley(&self) -> bool {
        self.triple().is_some_and(|triple| triple.starts_with("pulley"))
    }

    /// Whether there is address space to spare.
    fn has_wide_addresses(&self) -> bool {
        match self.triple() {
            None => cfg!(target_pointer_width = "64"),
            // Those that the engine generates code for; everything else is narrow, which is never wrong.
            Some(triple) => ["x86_64", "aarch64", "riscv64", "s390x"].iter().any(|wide| triple.starts_with(wide)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple().unwrap_or("this machine"))
    }
}

/// The engine's configuration for a target, equal wherever it is made. `instances` is how many may live at once; it may
/// differ between the two sides.
///
/// # Errors
/// [`DeciderError::Profile`] if there is no such target.
pub fn engine_profile(target: &Target, instances: u32) -> Result<Config, DeciderError> {
    let mut config = Config::new();
    if let Some(triple) = target.triple() {
        config
            .target(triple)
            .map_err(|error| DeciderError::Profile { target: target.to_string(), reason: format!("{error:#}") })?;
    }

    // Memory. It never moves: the pool gives it all it may have.
    let memory = u64::try_from(limits::MEMORY_BYTES).unwrap_or(u64::MAX);
    let (reserved, guard) = match (target.is_pulley(), target.has_wide_addresses()) {
        (false, true) => (RESERVED_64, GUARD_64),
        // Bounds are checked in code, guards would buy nothing.
        (true, _) | (false, false) => (memory, 0),
    };
    config.memory_reservation(reserved);
    config.memory_guard_size(guard);
    config.memory_reservation_for_growth(0);
    config.memory_may_move(false);
    config.guard_before_linear_memory(false);
    config.memory_init_cow(true);
    // A trap by signal where guards catch it; byte code checks by itself.
    config.signals_based_traps(!target.is_pulley());
    config.table_lazy_init(true);
    config.max_wasm_stack(limits::WASM_STACK_BYTES);

    // No call runs for ever. Epochs and not fuel: a check costs next to nothing, and when a call is given up is the host's
    // affair and no decision.
    config.epoch_interruption(true);
    config.consume_fuel(false);

    // No debugger and no symbols on a terminal: a third of the file.
    config.debug_info(false);
    config.debug_symbols(false);
    config.generate_address_map(false);
    config.native_unwind_info(false);

    // What the component may be made of: what Rust's `wasm32-unknown-unknown` emits and no more, whatever the engine was
    // built with.
    config.concurrency_support(false);
    config.gc_support(false);
    config.wasm_simd(false);
    config.wasm_relaxed_simd(false);
    config.wasm_tail_call(false);
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config.wasm_wide_arithmetic(false);

    #[cfg(feature = "compile")]
    config.cranelift_opt_level(wasmtime::OptLevel::Speed);

    config.allocation_strategy(pool(instances));
    Ok(config)
}

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    // A component of one core module has no more than it and the two that carry its types and resources.
    pool.total_core_instances(instances.saturating_mul(4));
    pool.max_core_instances_per_component(4);
    pool.total_memories(instances);
    pool.max_memories_per_component(1);
    pool.total_tables(instances.saturating_mul(2));
    pool.max_tables_per_component(2);
    pool.table_elements(limits::TABLE_ELEMENTS);
    pool.max_memory_size(limits::MEMORY_BYTES);
    pool.max_core_instance_size(limits::INSTANCE_BYTES);
    pool.max_component_instance_size(limits::INSTANCE_BYTES);
    pool.linear_memory_keep_resident(limits::RESIDENT_BYTES);
    pool.table_keep_resident(limits::RESIDENT_TABLE_BYTES);
    pool.pagemap_scan(Enabled::Auto);
    pool
}
