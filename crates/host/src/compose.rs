//! Joins a component with its dependencies into one, as Spin does: each entry of `[component.X.dependencies]` names a
//! package, an interface or a plain import, and one component file satisfies every import it matches.
//!
//! A dependency gets nothing: it may import types, no functions and no resources of the host. Whatever it would want
//! to call is refused here, at the start, with its name.

use std::collections::{BTreeMap, HashSet};

use wac_graph::types::{ItemKind, Package, SubtypeChecker, Type, Types, WorldId};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use crate::error::HostError;
use crate::manifest::{Component, Dependency};
use crate::store::Component as File;

/// A component with its dependencies inside.
pub(crate) struct Composed {
    pub(crate) bytes: Vec<u8>,
    /// The very files that went into it: nothing can be replaced between composing and archiving.
    pub(crate) dependencies: Vec<File>,
}

/// Reads `component` and its dependencies from disk and joins them.
pub(crate) fn compose(id: &str, component: &Component) -> Result<Composed, HostError> {
    let refuse = |reason: String| HostError::Component { component: id.to_owned(), reason };
    let source = read(&component.source).map_err(refuse)?.bytes().to_vec();
    let files = component.dependencies.iter().map(|(_, dependency)| read(&dependency.path));
    let files = files.collect::<Result<Vec<_>, _>>().map_err(refuse)?;
    if files.is_empty() {
        return Ok(Composed { bytes: source, dependencies: files });
    }
    let mut composer = Composer { graph: CompositionGraph::new() };
    let dependencies = component.dependencies.iter().zip(&files);
    let bytes = composer.compose(id, source, dependencies.map(|((name, d), file)| (name.as_str(), d, file)));
    Ok(Composed { bytes: bytes.map_err(refuse)?, dependencies: files })
}

fn read(path: &std::path::Path) -> Result<File, String> {
    File::read(path).map_err(|error| {
        format!("{} cannot be read ({error}): build the components first (`cargo xtask build`)", path.display())
    })
}

struct Composer {
    graph: CompositionGraph,
}

/// A dependency in the graph.
struct Provider<'a> {
    name: &'a str,
    export: Option<&'a str>,
    world: WorldId,
    node: NodeId,
}

impl Composer {
    fn compose<'a>(
        &mut self,
        id: &str,
        source: Vec<u8>,
        dependencies: impl IntoIterator<Item = (&'a str, &'a Dependency, &'a File)>,
    ) -> Result<Vec<u8>, String> {
        let (world, node) = self.add(id, source)?;
        let imports: Vec<String> = self.types().get_world(world).imports.keys().cloned().collect();
        let mut satisfied: BTreeMap<&String, &str> = BTreeMap::new();
        for (name, dependency, file) in dependencies {
            let matched: Vec<&String> = imports.iter().filter(|import| matches(name, import)).collect();
            if matched.is_empty() {
                return Err(format!(
                    "the dependency {name:?} matches none of its imports ({}): correct the name or remove the entry",
                    imports.join(", ")
                ));
            }
            let (provider_world, provider_node) = self.add(name, file.bytes().to_vec())?;
            self.check_imports_nothing(name, provider_world)?;
            let provider =
                Provider { name, export: dependency.export.as_deref(), world: provider_world, node: provider_node };
            for import in matched {
                if let Some(other) = satisfied.insert(import, name) {
                    return Err(format!(
                        "its import {import:?} is satisfied by both {other:?} and {name:?}: name the interface, not only the package"
                    ));
                }
                self.connect(world, node, import, &provider)?;
            }
        }
        self.export_all(world, node)?;
        self.graph.encode(EncodeOptions::default()).map_err(|error| format!("it cannot be composed: {error:#}"))
    }

    fn types(&self) -> &Types {
        self.graph.types()
    }

    fn add(&mut self, name: &str, source: Vec<u8>) -> Result<(WorldId, NodeId), String> {
        let failed =
            |error: &dyn std::fmt::Display| format!("{name:?} is not a component that can be composed: {error:#}");
        let package =
            Package::from_bytes(name, None, source, self.graph.types_mut()).map_err(|error| failed(&error))?;
        let world = package.ty();
        let package = self.graph.register_package(package).map_err(|error| failed(&error))?;
        Ok((world, self.graph.instantiate(package)))
    }

    /// A dependency may import interfaces that hold types only: they give it nothing.
    fn check_imports_nothing(&self, name: &str, world: WorldId) -> Result<(), String> {
        for (import, kind) in &self.types().get_world(world).imports {
            let only_types = match kind {
                ItemKind::Instance(interface) => {
                    self.types().get_interface(*interface).exports.values().all(is_plain_type)
                }
                other => is_plain_type(other),
            };
            if !only_types {
                return Err(format!(
                    "the dependency {name:?} imports {import:?}, but a dependency gets nothing of the host: \
                     give it a component that imports types only"
                ));
            }
        }
        Ok(())
    }

    fn connect(&mut self, world: WorldId, node: NodeId, import: &str, provider: &Provider<'_>) -> Result<(), String> {
        let name = provider.name;
        let export = provider.export.unwrap_or(import);
        let exported = self.types().get_world(provider.world).exports.get(export).copied();
        let exported = exported.ok_or_else(|| {
            let exports = self.types().get_world(provider.world).exports.keys().cloned().collect::<Vec<_>>().join(", ");
            format!("the dependency {name:?} does not export {export:?} (it exports {exports})")
        })?;
        let imported = self.types().get_world(world).imports.get(import).copied();
        let imported = imported.ok_or_else(|| format!("it has no import {import:?}"))?;
        let mut cache = HashSet::new();
        SubtypeChecker::new(&mut cache).is_subtype(exported, self.types(), imported, self.types()).map_err(
            |error| {
                format!(
                    "the export {export:?} of the dependency {name:?} does not fit the import {import:?}: {error:#}"
                )
            },
        )?;
        let alias = self.graph.alias_instance_export(provider.node, export).map_err(|error| error.to_string())?;
        self.graph
            .set_instantiation_argument(node, import, alias)
            .map_err(|error| format!("the import {import:?} cannot be satisfied: {error:#}"))
    }

    fn export_all(&mut self, world: WorldId, node: NodeId) -> Result<(), String> {
        let exports: Vec<String> = self.types().get_world(world).exports.keys().cloned().collect();
        for export in exports {
            let alias = self.graph.alias_instance_export(node, &export).map_err(|error| error.to_string())?;
            self.graph.export(alias, &export).map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

/// Looking up by id never fails for ids the same collection gave; the crate offers it as indexing.
trait Lookup {
    fn get_world(&self, id: WorldId) -> &wac_graph::types::World;
    fn get_interface(&self, id: wac_graph::types::InterfaceId) -> &wac_graph::types::Interface;
}

impl Lookup for Types {
    fn get_world(&self, id: WorldId) -> &wac_graph::types::World {
        &self[id]
    }

    fn get_interface(&self, id: wac_graph::types::InterfaceId) -> &wac_graph::types::Interface {
        &self[id]
    }
}

fn is_plain_type(kind: &ItemKind) -> bool {
    matches!(kind, ItemKind::Type(kind) if !matches!(kind, Type::Resource(_)))
}

/// Whether a dependency name of the manifest means this import: `name`, `ns:pkg`, `ns:pkg@1.0.0`, `ns:pkg/interface`
/// or `ns:pkg/interface@1.0.0`.
fn matches(name: &str, import: &str) -> bool {
    let (wanted, wanted_version) = split_version(name);
    let (found, found_version) = split_version(import);
    if wanted_version.is_some() && wanted_version != found_version {
        return false;
    }
    match (wanted.split_once('/'), found.split_once('/')) {
        (None, Some((package, _))) => wanted == package,
        _ => wanted == found,
    }
}

fn split_version(name: &str) -> (&str, Option<&str>) {
    name.split_once('@').map_or((name, None), |(name, version)| (name, Some(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_spin() {
        for (name, import, expected) in [
            ("foo:bar/baz@0.1.0", "foo:bar/baz@0.1.0", true),
            ("foo:bar/baz", "foo:bar/baz@0.1.0", true),
            ("foo:bar/baz", "foo:bar/baz", true),
            ("foo:bar", "foo:bar/baz@0.1.0", true),
            ("foo:bar@0.1.0", "foo:bar/baz@0.1.0", true),
            ("foo-bar", "foo-bar", true),
            ("foo:bar/baz@0.1.0", "foo:bar/baz", false),
            ("foo:bar/baz", "foo:bar/bub@0.1.0", false),
            ("foo:bar", "foo:bub/bib", false),
            ("foo:bar@0.2.0", "foo:bar/baz@0.1.0", false),
            ("foo:bar/baz", "foo-bar", false),
            ("foo", "foo-bar", false),
        ] {
            assert_eq!(matches(name, import), expected, "{name} {import}");
        }
    }

    const PARENT: &str = r#"(component
        (import "shop:rules/check@0.1.0" (instance $rules (export "limit" (func (result u32)))))
        (import "shop:clock/now@0.1.0" (instance (export "f" (func))))
        (instance $out (export "limit" (func $rules "limit")))
        (export "shop:app/run@0.1.0" (instance $out)))"#;

    const RULES: &str = r#"(component
        (import "shop:types/types@0.1.0" (instance (type $m (record (field "minor" s64))) (export "money" (type (eq $m)))))
        (core module $m (func (export "limit") (result i32) (i32.const 7)))
        (core instance $i (instantiate $m))
        (func $limit (result u32) (canon lift (core func $i "limit")))
        (instance $out (export "limit" (func $limit)))
        (export "shop:rules/check@0.1.0" (instance $out)))"#;

    /// Composes [`PARENT`] with one dependency of this name and text.
    fn compose_with(name: &str, dependency: &str) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dependency.wasm");
        std::fs::write(&path, wat::parse_str(dependency).unwrap()).unwrap();
        let mut composer = Composer { graph: CompositionGraph::new() };
        let (file, dependency) = (File::read(&path).unwrap(), Dependency { path, export: None });
        composer.compose("parent", wat::parse_str(PARENT).unwrap(), [(name, &dependency, &file)])
    }

    #[test]
    fn a_dependency_takes_the_place_of_an_import() {
        let mut config = wasmtime::Config::new();
        config.wasm_component_model(true);
        let engine = wasmtime::Engine::new(&config).unwrap();
        for name in ["shop:rules", "shop:rules/check", "shop:rules/check@0.1.0", "shop:rules@0.1.0"] {
            let composed = compose_with(name, RULES).unwrap();
            let component = wasmtime::component::Component::new(&engine, composed).unwrap();
            let imports: Vec<_> =
                component.component_type().imports(&engine).map(|(name, _)| name.to_owned()).collect();
            assert!(!imports.contains(&"shop:rules/check@0.1.0".to_owned()), "{imports:?}");
            assert!(imports.contains(&"shop:clock/now@0.1.0".to_owned()), "{imports:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let hungry = RULES.replace("(export \"money\" (type (eq $m)))", "(export \"now\" (func (result u64)))");
        let refusal = compose_with("shop:rules", &hungry).unwrap_err();
        assert!(refusal.contains("\"shop:types/types@0.1.0\"") && refusal.contains("gets nothing"), "{refusal}");
        let refusal = compose_with("shop:prices", RULES).unwrap_err();
        assert!(refusal.contains("\"shop:prices\" matches none"), "{refusal}");
        let refusal = compose_with("shop:clock", RULES).unwrap_err();
        assert!(refusal.contains("does not export \"shop:clock/now@0.1.0\""), "{refusal}");
        let refusal = compose_with("shop:rules", &RULES.replace("u32", "s32")).unwrap_err();
        assert!(refusal.contains("does not fit"), "{refusal}");
    }
}
