//! Debian's web compiler (`rustc-web`), fetched and unpacked without touching the system.
//!
//! `apt-get` keeps its lists and caches in a folder of ours, so no privilege is needed and the machine's own package
//! state stays as it was. The compiler has no standard library for our target; cargo builds one from `rust-web-src`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use super::{Active, Toolchain, WASM};
use crate::command::{capture, exists};
use crate::problem::Problem;

/// The compiler, and the sources of its standard library.
const WANTED: [&str; 2] = ["rustc-web", "rust-web-src"];

/// spin-sdk 7 needs it.
const OLDEST: (u32, u32) = (1, 94);

/// Never replaced by an unpacked copy: the C library must be the running one, and a C toolchain is needed for host
/// programs in any case.
const OF_THE_SYSTEM: [&str; 4] = ["libc6", "gcc", "libc-dev", "binutils"];

/// Parts of the source package that building the standard library does not read: 365 MB.
const UNNEEDED: [&str; 2] = ["src", "compiler"];

/// Fetches and unpacks the compiler into `folder` unless it is there already.
pub(super) fn provide(folder: &Path, active: &Active) -> Result<Toolchain> {
    let mut environment = Vec::new();
    // For the processors of terminals, a cross gcc links, which whoever builds for them names.
    if active.target == WASM {
        environment.push(("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER".into(), active.wasm_linker()?.into_os_string()));
    }
    let stamp = folder.join("complete");
    let root = folder.join("root");
    if !stamp.is_file() {
        let packages = fetch(folder, &root)?;
        // Last, so that an interrupted run starts again.
        fs::write(&stamp, packages.join("\n"))?;
    }
    let libraries = libraries(&root)?;
    let compiler = root.join("usr/bin/rustc");
    let version = capture(Command::new(&compiler).arg("-V").env("LD_LIBRARY_PATH", &libraries)).map_err(|reason| {
        Problem::new(
            format!("the unpacked compiler does not run: {reason:#}"),
            format!("remove {} and run the command again", folder.display()),
        )
    })?;
    environment.extend([
        ("RUSTC".into(), compiler.into()),
        // Debian's compiler is a stable release; building std is an unstable option of cargo.
        ("RUSTC_BOOTSTRAP".into(), "1".into()),
        ("LD_LIBRARY_PATH".into(), libraries.into()),
    ]);
    Ok(Toolchain {
        found: format!("{} (Debian's web compiler, unpacked below target/)", version.trim()),
        environment,
        arguments: vec![OsString::from(format!("-Zbuild-std={}", active.target.sources))],
    })
}

fn fetch(folder: &Path, root: &Path) -> Result<Vec<String>> {
    for tool in ["apt-get", "apt-cache", "dpkg", "dpkg-query"] {
        if !exists(tool) {
            return Err(anyhow!("`{tool}` is not on PATH: this way needs Debian or a relative"));
        }
    }
    let apt = Apt::in_folder(folder)?;
    apt.update()?;
    let packages = apt.closure()?;
    let names: Vec<String> = packages.iter().map(|(name, version)| format!("{name}={version}")).collect();
    let archives = apt.download(&names)?;

    let unpacking = folder.join("unpacking");
    discard(&unpacking)?;
    for archive in &archives {
        capture(Command::new("dpkg").arg("-x").arg(archive).arg(&unpacking))?;
    }
    for sources in fs::read_dir(unpacking.join("usr/src"))? {
        let sources = sources?.path();
        for part in UNNEEDED {
            discard(&sources.join(part))?;
        }
    }
    discard(root)?;
    fs::rename(&unpacking, root)?;
    for archive in archives {
        fs::remove_file(archive)?;
    }
    Ok(names)
}

fn discard(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("{} could not be removed", folder.display()))?;
    }
    Ok(())
}

/// The folder of the compiler's shared libraries: `usr/lib/<multiarch>`, whose name depends on the machine.
fn libraries(root: &Path) -> Result<PathBuf> {
    let lib = root.join("usr/lib");
    for entry in fs::read_dir(&lib).with_context(|| format!("{} could not be read", lib.display()))? {
        let folder = entry?.path();
        if folder.is_dir()
            && fs::read_dir(&folder)?
                .flatten()
                .any(|file| file.file_name().to_string_lossy().starts_with("librustc_driver-"))
        {
            return Ok(folder);
        }
    }
    Err(Problem::new(
        format!("no folder below {} has librustc_driver", lib.display()),
        "remove target/toolchain/debian and run the command again",
    )
    .into())
}

/// apt with lists and caches of our own.
struct Apt {
    options: Vec<OsString>,
    archives: PathBuf,
}

impl Apt {
    fn in_folder(folder: &Path) -> Result<Self> {
        let lists = folder.join("apt/lists");
        let cache = folder.join("apt/cache");
        let archives = folder.join("apt/downloads");
        for needed in [&lists.join("partial"), &cache.join("archives/partial"), &archives] {
            fs::create_dir_all(needed).with_context(|| format!("{} could not be made", needed.display()))?;
        }
        let mut options = Vec::new();
        for (name, value) in [("Dir::State::Lists", &lists), ("Dir::Cache", &cache)] {
            let mut option = OsString::from(format!("{name}="));
            option.push(value);
            options.push(OsString::from("-o"));
            options.push(option);
        }
        for fixed in [
            // As root, apt would hand the download to a user who cannot write here.
            "APT::Sandbox::User=root",
            "Acquire::Languages=none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
            "Acquire::Retries=3",
        ] {
            options.push("-o".into());
            options.push(fixed.into());
        }
        Ok(Self { options, archives })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        // Messages and fields are read below: keep them in English.
        command.env("LC_ALL", "C").args(&self.options);
        command
    }

    fn update(&self) -> Result<()> {
        capture(self.command("apt-get").args(["--quiet", "update"])).map(drop)
    }

    /// The wanted packages and whatever they need that this machine lacks, with their candidate versions.
    fn closure(&self) -> Result<BTreeMap<String, String>> {
        let mut chosen = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> = WANTED.map(str::to_owned).to_vec();
        while let Some(name) = open.pop() {
            if !seen.insert(name.clone()) || OF_THE_SYSTEM.contains(&name.as_str()) {
                continue;
            }
            // The compiler's own parts must come from one release, so an installed copy does not count.
            let own = name.contains("rust");
            if !own && installed(&name) {
                continue;
            }
            let shown = capture(self.command("apt-cache").args(["show", "--no-all-versions", &name]));
            let record = match shown {
                Ok(record) => Record::parse(&record),
                // A virtual package: whoever provides it is installed, or the compiler will say what it lacks.
                Err(_) if !own => continue,
                Err(reason) => {
                    return Err(Problem::new(
                        format!("apt offers no package `{name}`: {reason:#}"),
                        "add a suite that has it to apt's sources (Debian 12: main and security)",
                    )
                    .into());
                }
            };
            if own && !new_enough(&record.version) {
                return Err(Problem::new(
                    format!(
                        "apt's candidate for `{name}` is {}; {}.{} or newer is needed",
                        record.version, OLDEST.0, OLDEST.1
                    ),
                    "add Debian's security suite to apt's sources",
                )
                .into());
            }
            chosen.insert(name, record.version);
            open.extend(record.depends);
        }
        Ok(chosen)
    }

    fn download(&self, packages: &[String]) -> Result<Vec<PathBuf>> {
        for left_over in fs::read_dir(&self.archives)? {
            fs::remove_file(left_over?.path())?;
        }
        capture(self.command("apt-get").args(["--quiet", "download"]).args(packages).current_dir(&self.archives))?;
        let mut archives = Vec::new();
        for entry in fs::read_dir(&self.archives)? {
            archives.push(entry?.path());
        }
        if archives.len() == packages.len() {
            return Ok(archives);
        }
        Err(anyhow!("apt-get downloaded {} of {} packages", archives.len(), packages.len()))
    }
}

fn installed(package: &str) -> bool {
    capture(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status} ", package]))
        .is_ok_and(|states| states.split_whitespace().any(|state| state == "installed"))
}

/// What `apt-cache show` says about one package, as far as it matters here.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    version: String,
    depends: Vec<String>,
}

impl Record {
    fn parse(text: &str) -> Self {
        let field =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default();
        let mut depends = Vec::new();
        for list in [field("Depends"), field("Pre-Depends")] {
            for dependency in list.split(", ") {
                // `a (>= 1) | b`: the first alternative is the one the packager prefers.
                let name = dependency.split([' ', '|', ':']).next().unwrap_or_default();
                if !name.is_empty() {
                    depends.push(name.to_owned());
                }
            }
        }
        Self { version: field("Version").to_owned(), depends }
    }
}

/// Whether a Debian version such as `1.96.0+dfsg1-1~deb12u2` is recent enough.
fn new_enough(version: &str) -> bool {
    let upstream = version.split_once(':').map_or(version, |(_epoch, rest)| rest);
    let mut numbers = upstream.split('.').map_while(|part| part.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => (major, minor) >= OLDEST,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_record_gives_its_version_and_the_first_alternatives() {
        let record = "Package: rustc-web\nVersion: 1.96.0+dfsg1-1~deb12u2\n\
                      Depends: libc6 (>= 2.34), libstd-rust-web-dev (= 1.96.0), gcc | clang, libz:any\n";
        assert_eq!(
            Record::parse(record),
            Record {
                version: "1.96.0+dfsg1-1~deb12u2".into(),
                depends: ["libc6", "libstd-rust-web-dev", "gcc", "libz"].map(String::from).to_vec(),
            }
        );
    }

    #[test]
    fn a_compiler_older_than_the_sdk_needs_is_refused() {
        assert!(new_enough("1.96.0+dfsg1-1~deb12u2"));
        assert!(new_enough("2:1.94.1"));
        assert!(!new_enough("1.85.0+dfsg3-1~deb12u3"));
        assert!(!new_enough(""));
    }
}
