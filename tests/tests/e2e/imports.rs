//! What the built components can reach: nothing but what is listed here.

use anyhow::{Context as _, Result, bail, ensure};
use rescind_tests::checkout;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// An import, and the functions it brings.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    name: String,
    functions: Vec<String>,
}

/// The imports of a component, in their order.
fn imports(name: &str) -> Result<Vec<Import>> {
    let bytes = std::fs::read(checkout::component(name)?)?;
    let types = Validator::new_with_features(WasmFeatures::all()).validate_all(&bytes).context("it is no component")?;
    let mut all = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload? {
            Payload::Version { encoding, .. } => {
                ensure!(depth > 0 || encoding == wasmparser::Encoding::Component, "{name} is a core module");
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import?.name.name.to_owned();
                    let entity = types.as_ref().component_item_for_import(&import).context("an import has a type")?.ty;
                    let ComponentEntityType::Instance(instance) = entity else {
                        bail!("{name} imports {import}, which is no interface: {entity:?}")
                    };
                    let instance = types.as_ref().get(instance).context("an instance has a type")?;
                    let functions =
                        instance.exports.iter().filter(|(_, item)| matches!(item.ty, ComponentEntityType::Func(_)));
                    let functions = functions.map(|(name, _)| name.clone()).collect();
                    all.push(Import { name: import, functions });
                }
            }
            _ => {}
        }
    }
    Ok(all)
}

fn names(name: &str) -> Result<Vec<String>> {
    let mut names: Vec<String> = imports(name)?.into_iter().map(|import| import.name).collect();
    names.sort();
    Ok(names)
}

#[test]
fn what_decides_imports_no_function_at_all() -> Result<()> {
    for component in ["eligibility", "refunds", "notification"] {
        let expected = [Import { name: "rescind:types/types@0.2.0".to_owned(), functions: Vec::new() }];
        let found = imports(component)?;
        ensure!(found == expected, "{component} imports {found:?}");
    }
    Ok(())
}

#[test]
fn the_gateway_imports_this_and_nothing_else() -> Result<()> {
    let found = names("gateway")?;
    ensure!(found == GATEWAY, "the gateway imports {found:#?}");
    ensure!(!found.iter().any(|name| name.starts_with("wasi:http/client") || name.contains("sockets")), "it can send");
    Ok(())
}

#[test]
fn the_courier_imports_this_and_nothing_else() -> Result<()> {
    let found = names("courier")?;
    ensure!(found == COURIER, "the courier imports {found:#?}");
    ensure!(!found.iter().any(|name| name.contains("eligibility")), "it decides nothing");
    Ok(())
}

/// The variables hold a deployment's first admin token; `stderr` and the streams are for what a panic has to say.
const GATEWAY: &[&str] = &[
    "rescind:eligibility/decisions@0.2.0",
    "rescind:notification/messages@0.2.0",
    "rescind:refunds/transitions@0.2.0",
    "rescind:types/types@0.2.0",
    "spin:variables/variables@3.0.0",
    "wasi:cli/stderr@0.2.12",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:http/types@0.3.0",
    "wasi:io/error@0.2.12",
    "wasi:io/streams@0.2.12",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:random/random@0.3.0",
];

/// As the gateway, without decisions; and the acquirer's address, a timer for its patience, and requests.
const COURIER: &[&str] = &[
    "rescind:notification/messages@0.2.0",
    "rescind:refunds/transitions@0.2.0",
    "rescind:types/types@0.2.0",
    "spin:variables/variables@3.0.0",
    "wasi:cli/stderr@0.2.12",
    "wasi:clocks/monotonic-clock@0.3.0",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:clocks/types@0.3.0",
    "wasi:http/client@0.3.0",
    "wasi:http/types@0.3.0",
    "wasi:io/error@0.2.12",
    "wasi:io/streams@0.2.12",
    "wasi:keyvalue/atomics@0.2.0-draft2",
    "wasi:keyvalue/store@0.2.0-draft2",
    "wasi:random/random@0.3.0",
];
