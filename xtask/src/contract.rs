//! How the WIT contracts may change: the rule of `wit/CHANGES.md`, checked.
//!
//! A released version is frozen: but for comments its package never changes again. A newer version on the same semver
//! track (0.1.1 after 0.1.0) must serve those who were built against the release:
//!
//! - components that implement a released world still fit the world of today (`wasm-tools component semver-check`,
//!   through its library);
//! - callers of a released interface still find every type and function, with unchanged shapes.
//!
//! A version on another track (0.2.0 after 0.1.0) is free. Every version has its heading in `wit/CHANGES.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use wit_component::WitPrinter;
use wit_parser::{Interface, InterfaceId, PackageId, PackageName, Resolve, UnresolvedPackageGroup, WorldId};

use crate::checkout::Checkout;
use crate::problem::Problem;

/// Folders of `wit/` that are not packages of ours.
const NOT_OURS: [&str; 2] = ["deps", "released"];

/// Checks every package against what was released; gives a summary.
///
/// # Errors
///
/// If a package does not parse, has no version or no heading in `CHANGES.md`, or breaks the rule.
pub fn check(checkout: &Checkout) -> Result<String> {
    let wit = checkout.wit();
    let contracts = Contracts::read(&wit)?;
    let changes = wit.join("CHANGES.md");
    let changes = fs::read_to_string(&changes)
        .with_context(|| format!("{} could not be read: it tells what each version changed", changes.display()))?;
    let mut broken = contracts.without_heading(&changes)?;
    broken.extend(contracts.broken_promises()?);
    if broken.is_empty() {
        return Ok(contracts.summary());
    }
    Err(Problem::new(
        format!("the contracts in wit/ break a promise:\n  - {}", broken.join("\n  - ")),
        "undo the change, or give the package a version for which it is allowed: see wit/CHANGES.md",
    )
    .into())
}

/// Copies every package whose version was not released yet to `wit/released/VERSION/`; gives what was copied.
///
/// # Errors
///
/// If [`check`] fails or a file cannot be copied.
pub fn release(checkout: &Checkout) -> Result<Vec<String>> {
    check(checkout)?;
    let wit = checkout.wit();
    let mut released = Vec::new();
    for folder in our_folders(&wit)? {
        let name = parse(&folder)?.main.name;
        let target = wit.join("released").join(version(&name)?).join(folder.file_name().unwrap_or_default());
        if target.exists() {
            continue;
        }
        fs::create_dir_all(&target)?;
        for entry in fs::read_dir(&folder)? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "wit")
                && let Some(base) = file.file_name()
            {
                fs::copy(&file, target.join(base))
                    .with_context(|| format!("{} could not be copied", file.display()))?;
            }
        }
        released.push(name.to_string());
    }
    Ok(released)
}

/// Packages in one namespace of types: each by its name and version.
struct Packages {
    resolve: Resolve,
    ids: BTreeMap<PackageName, PackageId>,
}

impl Packages {
    /// Resolves `groups` together; they may depend on each other in any order.
    fn resolve(groups: Vec<UnresolvedPackageGroup>) -> Result<Self> {
        let mut resolve = Resolve::default();
        // A package of no content takes the place of "the" package, so that none of ours needs to be special.
        let Ok(root) = UnresolvedPackageGroup::parse("root.wit", "package xtask:root;") else {
            return Err(anyhow!("the empty package does not parse"));
        };
        if let Err(reason) = resolve.push_groups(root, groups) {
            let reason = anyhow::Error::from(reason);
            return Err(anyhow!("{}", resolve.render_error(&reason)));
        }
        let ids = resolve.packages.iter().map(|(id, package)| (package.name.clone(), id)).collect();
        Ok(Self { resolve, ids })
    }

    /// The package as text without comments, in a canonical form.
    fn text(&self, package: PackageId) -> Result<String> {
        let mut printer = WitPrinter::default();
        printer.emit_docs(false);
        printer.print(&self.resolve, package, &[])?;
        Ok(printer.output.to_string())
    }

    fn interfaces(&self, package: PackageId) -> Vec<(&str, InterfaceId)> {
        self.resolve
            .packages
            .get(package)
            .map_or_else(Vec::new, |package| package.interfaces.iter().map(|(name, id)| (name.as_str(), *id)).collect())
    }

    fn worlds(&self, package: PackageId) -> Vec<(&str, WorldId)> {
        self.resolve
            .packages
            .get(package)
            .map_or_else(Vec::new, |package| package.worlds.iter().map(|(name, id)| (name.as_str(), *id)).collect())
    }
}

/// What is in `wit/` now, what was released, and what others wrote.
struct Contracts {
    current: Vec<UnresolvedPackageGroup>,
    released: Vec<UnresolvedPackageGroup>,
    vendored: Vec<UnresolvedPackageGroup>,
}

impl Contracts {
    fn read(wit: &Path) -> Result<Self> {
        let mut released = Vec::new();
        for version in folders(&wit.join("released"))? {
            released.extend(parse_all(&folders(&version)?)?);
        }
        Ok(Self {
            current: parse_all(&our_folders(wit)?)?,
            released,
            vendored: parse_all(&folders(&wit.join("deps"))?)?,
        })
    }

    fn summary(&self) -> String {
        let released = match self.released.len() {
            0 => "none released yet".to_owned(),
            number => format!("{number} released and kept"),
        };
        format!("{} packages, {released}", self.current.len())
    }

    /// The packages whose version `changes` does not tell of.
    fn without_heading(&self, changes: &str) -> Result<Vec<String>> {
        let mut missing = Vec::new();
        for package in &self.current {
            let name = &package.main.name;
            let heading = format!("## {}", version(name)?);
            if !changes.lines().any(|line| line.trim_end() == heading) {
                missing.push(format!("{name}: wit/CHANGES.md has no heading `{heading}`"));
            }
        }
        Ok(missing)
    }

    fn with_vendored<'a>(&'a self, groups: impl Iterator<Item = &'a UnresolvedPackageGroup>) -> Result<Packages> {
        Packages::resolve(groups.chain(&self.vendored).cloned().collect())
    }

    fn broken_promises(&self) -> Result<Vec<String>> {
        let today = self.with_vendored(self.current.iter())?;
        let then = self.with_vendored(self.released.iter())?;

        let mut broken = Vec::new();
        let mut successors = Vec::new();
        for promise in &self.released {
            let old = &promise.main.name;
            let Some(new) = self.successor(old) else {
                broken.push(format!("{old} was released and is gone"));
                continue;
            };
            if new.version == old.version {
                let (Some(before), Some(after)) = (then.ids.get(old), today.ids.get(new)) else {
                    return Err(anyhow!("{old} did not resolve"));
                };
                if let Some(difference) = first_difference(&then.text(*before)?, &today.text(*after)?) {
                    broken.push(format!("{old} is released, so it is frozen, but {difference}"));
                }
            } else if new.version < old.version {
                broken.push(format!("{new} is older than {old}, which was released"));
            } else if same_track(new, old) {
                successors.push((old, new));
            }
        }
        // Only when packages of one version are equal can both sets be seen together.
        if !broken.is_empty() || successors.is_empty() {
            return Ok(broken);
        }
        let unreleased = self.current.iter().filter(|group| !then.ids.contains_key(&group.main.name));
        let groups: Vec<_> = self.released.iter().chain(unreleased).chain(&self.vendored).cloned().collect();
        for (old, new) in successors {
            for reason in incompatibilities(&groups, old, new)? {
                broken.push(format!("{new} does not serve who was built against {old}: {reason}"));
            }
        }
        Ok(broken)
    }

    /// The package of today that has the name of `old`, whatever its version.
    fn successor(&self, old: &PackageName) -> Option<&PackageName> {
        self.current
            .iter()
            .map(|group| &group.main.name)
            .find(|now| now.namespace == old.namespace && now.name == old.name)
    }
}

/// Why `new` cannot take the place of `old`, both among `groups`.
fn incompatibilities(groups: &[UnresolvedPackageGroup], old: &PackageName, new: &PackageName) -> Result<Vec<String>> {
    let packages = Packages::resolve(groups.to_vec())?;
    let (Some(before), Some(after)) = (packages.ids.get(old), packages.ids.get(new)) else {
        return Err(anyhow!("{old} or {new} did not resolve"));
    };
    let mut reasons = Vec::new();

    let after_worlds: BTreeMap<_, _> = packages.worlds(*after).into_iter().collect();
    for (name, world) in packages.worlds(*before) {
        match after_worlds.get(name) {
            None => reasons.push(format!("world `{name}` is gone")),
            Some(now) => {
                if let Err(reason) = wit_component::semver_check(packages.resolve.clone(), world, *now) {
                    reasons.push(format!("a component of world `{name}` no longer fits: {}", cause(&reason)));
                }
            }
        }
    }

    let after_interfaces: BTreeMap<_, _> = packages.interfaces(*after).into_iter().collect();
    for (name, interface) in packages.interfaces(*before) {
        let Some(now) = after_interfaces.get(name) else {
            reasons.push(format!("interface `{name}` is gone"));
            continue;
        };
        let (Some(was), Some(is)) = (packages.resolve.interfaces.get(interface), packages.resolve.interfaces.get(*now))
        else {
            continue;
        };
        let gone = missing_items(was, is);
        if !gone.is_empty() {
            reasons.push(format!("interface `{name}` lost {}", gone.join(", ")));
            continue;
        }
        if let Some(reason) = callers_fail(groups, old, new, name, was)? {
            reasons.push(format!("a caller of interface `{name}` is no longer served: {reason}"));
        }
    }
    Ok(reasons)
}

fn missing_items(was: &Interface, is: &Interface) -> Vec<String> {
    let types = was.types.keys().filter(|name| !is.types.contains_key(*name)).map(|name| format!("type `{name}`"));
    let functions =
        was.functions.keys().filter(|name| !is.functions.contains_key(*name)).map(|name| format!("function `{name}`"));
    types.chain(functions).collect()
}

/// Checks a caller that imports the interface and passes each of its types: the world of such a caller, written once
/// against the old package and once against the new, is compared. An interface that only has types says nothing to
/// the comparison by itself, hence the functions.
fn callers_fail(
    groups: &[UnresolvedPackageGroup],
    old: &PackageName,
    new: &PackageName,
    name: &str,
    interface: &Interface,
) -> Result<Option<String>> {
    let mut groups = groups.to_vec();
    let mut callers = Vec::new();
    for (package, release) in [(old, "0.0.1"), (new, "0.0.2")] {
        let caller =
            PackageName { namespace: "xtask".to_owned(), name: "caller".to_owned(), version: Some(release.parse()?) };
        let text = caller_text(&caller, &package.interface_id(name), interface)?;
        let group = UnresolvedPackageGroup::parse("caller.wit", &text)
            .map_err(|(sources, reason)| anyhow!("{}\n{text}", reason.render(&sources)))?;
        groups.push(group);
        callers.push(caller);
    }
    let packages = match Packages::resolve(groups) {
        Ok(packages) => packages,
        Err(reason) => return Ok(Some(format!("{reason:#}"))),
    };
    let worlds: Vec<WorldId> = callers
        .iter()
        .filter_map(|caller| packages.ids.get(caller))
        .flat_map(|package| packages.worlds(*package))
        .map(|(_, world)| world)
        .collect();
    let [before, after] = worlds.as_slice() else {
        return Err(anyhow!("a caller of `{name}` has no world"));
    };
    Ok(wit_component::semver_check(packages.resolve, *before, *after).err().map(|reason| cause(&reason)))
}

fn caller_text(caller: &PackageName, interface: &str, called: &Interface) -> Result<String> {
    let mut text = format!("package {caller};\n");
    let types: Vec<String> = called.types.keys().map(|name| format!("%{name}")).collect();
    let mut world = format!("world caller {{\n  import {interface};\n");
    if !types.is_empty() {
        writeln!(text, "interface passes {{\n  use {interface}.{{{}}};", types.join(", "))?;
        for (number, name) in types.iter().enumerate() {
            writeln!(text, "  pass-t{number}: func(it: {name});")?;
        }
        text.push_str("}\n");
        world.push_str("  import passes;\n");
    }
    world.push_str("}\n");
    text.push_str(&world);
    Ok(text)
}

/// The comparison's own finding, on one line.
fn cause(reason: &anyhow::Error) -> String {
    reason.root_cause().to_string().replace('\n', ", ")
}

fn same_track(left: &PackageName, right: &PackageName) -> bool {
    match (&left.version, &right.version) {
        (Some(left), Some(right)) => {
            PackageName::version_compat_track(left) == PackageName::version_compat_track(right)
        }
        _ => false,
    }
}

fn version(name: &PackageName) -> Result<String> {
    name.version.as_ref().map(ToString::to_string).ok_or_else(|| {
        Problem::new(format!("package {name} has no version"), "end its `package` line with one, as `@0.1.0`").into()
    })
}

fn first_difference(before: &str, after: &str) -> Option<String> {
    if before == after {
        return None;
    }
    let mut after_lines = after.lines();
    for before_line in before.lines() {
        let after_line = after_lines.next().unwrap_or("the end");
        if before_line != after_line {
            return Some(format!("`{}` became `{}`", before_line.trim(), after_line.trim()));
        }
    }
    let added = after_lines.next().unwrap_or_default();
    Some(format!("`{}` was added", added.trim()))
}

fn parse(folder: &Path) -> Result<UnresolvedPackageGroup> {
    UnresolvedPackageGroup::parse_dir(folder).with_context(|| format!("{} is not a WIT package", folder.display()))
}

fn parse_all(folders: &[PathBuf]) -> Result<Vec<UnresolvedPackageGroup>> {
    folders.iter().map(|folder| parse(folder)).collect()
}

fn our_folders(wit: &Path) -> Result<Vec<PathBuf>> {
    let mut ours = folders(wit)?;
    ours.retain(|folder| folder.file_name().is_none_or(|name| NOT_OURS.iter().all(|other| name != *other)));
    Ok(ours)
}

/// The folders in `parent`, by name; none if it is not there.
fn folders(parent: &Path) -> Result<Vec<PathBuf>> {
    if !parent.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).with_context(|| format!("{} could not be read", parent.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &str = "package shop:words@0.1.0; interface words { record sale { id: string } }";
    const TILL: &str =
        "package shop:till@0.1.0; interface till { use shop:words/words@0.1.0.{sale}; void: func(it: sale) -> bool; }
                        world machine { import shop:words/words@0.1.0; export till; }";

    fn group(text: &str) -> UnresolvedPackageGroup {
        UnresolvedPackageGroup::parse("test.wit", text).map_err(|(_, reason)| reason).unwrap()
    }

    fn broken(current: &[&str], released: &[&str]) -> Vec<String> {
        Contracts {
            current: current.iter().map(|text| group(text)).collect(),
            released: released.iter().map(|text| group(text)).collect(),
            vendored: Vec::new(),
        }
        .broken_promises()
        .unwrap()
    }

    #[test]
    fn a_comment_may_be_added_to_a_released_package() {
        let commented = WORDS.replace("record", "/// What was sold.\n record");
        assert_eq!(broken(&[&commented, TILL], &[WORDS, TILL]), Vec::<String>::new());
    }

    #[test]
    fn a_released_version_is_frozen_even_for_a_compatible_change() {
        let longer = WORDS.replace("record sale", "enum kind { void, refund } record sale");
        assert_eq!(
            broken(&[&longer, TILL], &[WORDS, TILL]),
            ["shop:words@0.1.0 is released, so it is frozen, but `record sale {` became `enum kind {`"]
        );
    }

    #[test]
    fn the_next_patch_version_may_add_an_interface() {
        let next = TILL
            .replace("till@0.1.0;", "till@0.1.1;")
            .replace("world machine", "interface audit { entries: func() -> u32; } world machine");
        assert_eq!(broken(&[WORDS, &next], &[WORDS, TILL]), Vec::<String>::new());
    }

    #[test]
    fn the_next_patch_version_may_not_widen_a_record() {
        let next = |text: &str| text.replace("0.1.0", "0.1.1");
        let wider = next(WORDS).replace("id: string", "id: string, note: string");
        let reasons = broken(&[&wider, &next(TILL)], &[WORDS, TILL]).join("\n");
        assert!(
            reasons.contains(
                "shop:words@0.1.1 does not serve who was built against shop:words@0.1.0: a caller of interface `words`"
            ),
            "{reasons}"
        );
        assert!(reasons.contains("a component of world `machine` no longer fits"), "{reasons}");
        assert_eq!(broken(&[&next(WORDS), &next(TILL)], &[WORDS, TILL]), Vec::<String>::new());
    }

    #[test]
    fn the_next_patch_version_may_not_demand_more_of_who_implements_the_world() {
        let next = TILL.replace("till@0.1.0;", "till@0.1.1;").replace("void:", "refund: func(); void:");
        let reasons = broken(&[WORDS, &next], &[WORDS, TILL]);
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        assert!(reasons[0].contains("a component of world `machine` no longer fits"), "{reasons:?}");
    }

    #[test]
    fn the_next_patch_version_may_not_drop_a_function_or_a_package() {
        let next = TILL.replace("till@0.1.0;", "till@0.1.1;").replace("void:", "refund:");
        let reasons = broken(&[WORDS, &next], &[WORDS, TILL]).join("\n");
        assert!(reasons.contains("interface `till` lost function `void`"), "{reasons}");
        assert_eq!(broken(&[WORDS], &[WORDS, TILL]), ["shop:till@0.1.0 was released and is gone"]);
    }

    #[test]
    fn another_track_is_free() {
        let next = TILL.replace("till@0.1.0;", "till@0.2.0;").replace("void:", "refund:");
        assert_eq!(broken(&[WORDS, &next], &[WORDS, TILL]), Vec::<String>::new());
    }

    #[test]
    fn a_version_cannot_go_back() {
        let earlier = WORDS.replace("0.1.0", "0.0.9");
        assert_eq!(
            broken(&[&earlier], &[WORDS]),
            ["shop:words@0.0.9 is older than shop:words@0.1.0, which was released"]
        );
    }

    #[test]
    fn each_version_needs_its_heading() {
        let contracts = Contracts { current: vec![group(WORDS)], released: Vec::new(), vendored: Vec::new() };
        assert_eq!(contracts.without_heading("# Changes\n## 0.1.0\n").unwrap(), Vec::<String>::new());
        assert_eq!(
            contracts.without_heading("# Changes\n## 0.1.0 is to come\n").unwrap(),
            ["shop:words@0.1.0: wit/CHANGES.md has no heading `## 0.1.0`"]
        );
    }
}
