//! The part of Spin's manifest (version 2) that this host acts on.
//!
//! Fields that only describe or build (`description`, `build`, `targets`, `tool`…) are ignored. Fields that would give
//! a component something this host does not have (`files`, `sqlite_databases`, `ai_models`, `environment`, other
//! triggers) are refused, so that an application never runs with less than it was promised.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::HostError;
use crate::route::Route;
use crate::template;

/// A manifest that was read and checked.
#[derive(Debug)]
pub(crate) struct Manifest {
    /// Where it was read from; paths in it are relative to its folder.
    path: PathBuf,
    pub(crate) name: String,
    pub(crate) version: String,
    variables: BTreeMap<String, Variable>,
    /// Routes in the manifest's order, each with the id of its component.
    pub(crate) routes: Vec<(Route, String)>,
    pub(crate) components: BTreeMap<String, Component>,
}

/// One component, its templates not resolved yet.
#[derive(Debug)]
pub(crate) struct Component {
    pub(crate) source: PathBuf,
    pub(crate) key_value_stores: Vec<String>,
    variables: BTreeMap<String, String>,
    allowed_outbound_hosts: Vec<String>,
    /// The name of the import or package and what satisfies it, in the manifest's order.
    pub(crate) dependencies: Vec<(String, Dependency)>,
}

/// What satisfies an import of a component.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) path: PathBuf,
    /// The export to use when it is not named like the import.
    pub(crate) export: Option<String>,
}

/// What a component may use, templates resolved.
#[derive(Debug, Clone)]
pub(crate) struct Grants {
    pub(crate) key_value_stores: Vec<String>,
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) allowed_outbound_hosts: Vec<String>,
}

impl Manifest {
    /// Reads the manifest at `path`.
    pub(crate) fn read(path: &Path) -> Result<Self, HostError> {
        let refuse = |reason: String| HostError::Manifest { path: path.to_owned(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, HostError> {
        let refuse = |reason: String| HostError::Manifest { path: path.to_owned(), reason };
        let file: File = toml::from_str(text).map_err(|error| refuse(error.to_string()))?;
        if file.spin_manifest_version != 2 {
            return Err(refuse(format!(
                "spin_manifest_version is {}, this host reads version 2",
                file.spin_manifest_version
            )));
        }
        let folder = path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let mut components = BTreeMap::new();
        for (id, component) in &file.component {
            let component = component
                .check(&folder, &file.component)
                .map_err(|reason| refuse(format!("[component.{id}] {reason}")))?;
            components.insert(id.clone(), component);
        }
        let routes = file.trigger.routes().map_err(refuse)?;
        for (route, component) in &routes {
            if !components.contains_key(component) {
                return Err(refuse(format!(
                    "the route {route} names the component {component:?}, which is not in the manifest"
                )));
            }
        }
        for (name, variable) in &file.variables {
            if variable.default.is_none() && !variable.required {
                return Err(refuse(format!("[variables] {name}: give it a `default` or say `required = true`")));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            name: file.application.name,
            version: file.application.version,
            variables: file.variables,
            routes,
            components,
        })
    }

    /// The values of the application's variables: those given, else the defaults.
    pub(crate) fn variables(&self, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, HostError> {
        let known = || self.variables.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(unknown) = given.keys().find(|name| !self.variables.contains_key(*name)) {
            return Err(self.refuse(format!(
                "the variable {unknown:?} was given, but [variables] does not define it (known: {})",
                known()
            )));
        }
        let mut values = BTreeMap::new();
        for (name, variable) in &self.variables {
            let value = given.get(name).or(variable.default.as_ref());
            let missing = || {
                let secret = if variable.secret { " secret" } else { "" };
                self.refuse(format!(
                    "the required{secret} variable {name:?} has no value: set SPIN_VARIABLE_{}",
                    name.to_uppercase()
                ))
            };
            values.insert(name.clone(), value.ok_or_else(missing)?.clone());
        }
        Ok(values)
    }

    /// The names of all variables.
    pub(crate) fn variable_names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// What `component` may use, given the application's variables.
    pub(crate) fn grants(
        &self,
        id: &str,
        component: &Component,
        values: &BTreeMap<String, String>,
    ) -> Result<Grants, HostError> {
        let resolve = |field: &str, text: &str| {
            template::resolve(text, values).map_err(|reason| self.refuse(format!("[component.{id}] {field}: {reason}")))
        };
        let mut variables = BTreeMap::new();
        for (name, text) in &component.variables {
            variables.insert(name.clone(), resolve("variables", text)?);
        }
        let mut allowed_outbound_hosts = Vec::new();
        for text in &component.allowed_outbound_hosts {
            let host = resolve("allowed_outbound_hosts", text)?;
            // As in Spin: an optional endpoint is a variable that is empty.
            let empty_variable = host != *text && matches!(host.as_str(), "" | "http://" | "https://");
            if !empty_variable {
                allowed_outbound_hosts.push(host);
            }
        }
        Ok(Grants { key_value_stores: component.key_value_stores.clone(), variables, allowed_outbound_hosts })
    }

    fn refuse(&self, reason: String) -> HostError {
        HostError::Manifest { path: self.path.clone(), reason }
    }
}

#[derive(Debug, Deserialize)]
struct File {
    spin_manifest_version: u32,
    application: Application,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default)]
    trigger: Triggers,
    #[serde(default)]
    component: BTreeMap<String, FileComponent>,
}

#[derive(Debug, Deserialize)]
struct Application {
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    default: Option<String>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    secret: bool,
    #[serde(rename = "description")]
    _description: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Triggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
    #[serde(flatten)]
    others: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Deserialize)]
struct HttpTrigger {
    route: FileRoute,
    component: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FileRoute {
    Path(String),
    Private { private: bool },
}

#[derive(Debug, Deserialize)]
struct FileComponent {
    source: toml::Value,
    #[serde(default)]
    key_value_stores: Vec<String>,
    #[serde(default)]
    variables: BTreeMap<String, String>,
    #[serde(default)]
    allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    dependencies_inherit_configuration: bool,
    #[serde(default)]
    dependencies: toml::map::Map<String, toml::Value>,
    // What this host does not give; anything in them is refused.
    #[serde(default)]
    files: Vec<toml::Value>,
    #[serde(default)]
    sqlite_databases: Vec<toml::Value>,
    #[serde(default)]
    ai_models: Vec<toml::Value>,
    #[serde(default)]
    environment: BTreeMap<String, toml::Value>,
    #[serde(default)]
    allowed_http_hosts: Vec<toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDependency {
    path: Option<PathBuf>,
    component: Option<String>,
    export: Option<String>,
    inherit_configuration: Option<toml::Value>,
}

impl Triggers {
    fn routes(&self) -> Result<Vec<(Route, String)>, String> {
        if let Some(other) = self.others.keys().next() {
            return Err(format!(
                "[[trigger.{other}]]: this host has HTTP triggers only; remove it or run the application on Spin"
            ));
        }
        if self.http.is_empty() {
            return Err("it has no [[trigger.http]]: nothing would ever be called".to_owned());
        }
        let mut routes: Vec<(Route, String)> = Vec::new();
        for trigger in &self.http {
            let path = match &trigger.route {
                FileRoute::Path(path) => path,
                FileRoute::Private { private: true } => continue,
                FileRoute::Private { private: false } => {
                    return Err(format!("the route of {:?} must be a path or {{ private = true }}", trigger.component));
                }
            };
            let route = Route::parse(path)?;
            if let Some((_, other)) = routes.iter().find(|(known, _)| *known == route) {
                return Err(format!("the route {route} is given twice, to {other:?} and to {:?}", trigger.component));
            }
            routes.push((route, trigger.component.clone()));
        }
        Ok(routes)
    }
}

impl FileComponent {
    fn check(&self, folder: &Path, all: &BTreeMap<String, Self>) -> Result<Component, String> {
        let refused = [
            ("files", self.files.is_empty()),
            ("sqlite_databases", self.sqlite_databases.is_empty()),
            ("ai_models", self.ai_models.is_empty()),
            ("environment", self.environment.is_empty()),
            ("allowed_http_hosts", self.allowed_http_hosts.is_empty()),
        ];
        if let Some((field, _)) = refused.iter().find(|(_, empty)| !empty) {
            return Err(format!("{field}: this host does not offer it; remove it or run the application on Spin"));
        }
        if self.dependencies_inherit_configuration {
            return Err(
                "dependencies_inherit_configuration: this host gives a dependency nothing of its parent's; remove it"
                    .to_owned(),
            );
        }
        let mut dependencies = Vec::new();
        for (name, value) in &self.dependencies {
            let dependency =
                dependency(folder, all, value).map_err(|reason| format!("dependencies: {name:?}: {reason}"))?;
            dependencies.push((name.clone(), dependency));
        }
        Ok(Component {
            source: folder.join(local_source(&self.source)?),
            key_value_stores: self.key_value_stores.clone(),
            variables: self.variables.clone(),
            allowed_outbound_hosts: self.allowed_outbound_hosts.clone(),
            dependencies,
        })
    }
}

fn local_source(source: &toml::Value) -> Result<&str, String> {
    source.as_str().ok_or_else(|| "source: expected the path of a .wasm file; this host downloads nothing".to_owned())
}

fn dependency(folder: &Path, all: &BTreeMap<String, FileComponent>, value: &toml::Value) -> Result<Dependency, String> {
    let dependency = FileDependency::deserialize(value.clone()).map_err(|_| {
        "expected { path = \"….wasm\" } or { component = \"id\" }; this host downloads nothing".to_owned()
    })?;
    match &dependency.inherit_configuration {
        None | Some(toml::Value::Boolean(false)) => {}
        Some(toml::Value::Array(keys)) if keys.is_empty() => {}
        Some(_) => {
            return Err(
                "inherit_configuration: this host gives a dependency nothing of its parent's; remove it".to_owned()
            );
        }
    }
    let path = match (dependency.path, dependency.component) {
        (Some(path), None) => path,
        (None, Some(id)) => {
            let component = all.get(&id).ok_or_else(|| format!("the component {id:?} is not in the manifest"))?;
            PathBuf::from(local_source(&component.source)?)
        }
        _ => return Err("expected either `path` or `component`".to_owned()),
    };
    Ok(Dependency { path: folder.join(path), export: dependency.export })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "shop"
        version = "0.1.0"
        authors = ["nobody"]
        [variables]
        key = { required = true, secret = true }
        host = { default = "example.com", description = "where to" }
        [[trigger.http]]
        route = "/v1/..."
        component = "gateway"
        [[trigger.http]]
        route = { private = true }
        component = "courier"
        [component.gateway]
        source = "target/gateway.wasm"
        key_value_stores = ["default"]
        variables = { key = "{{ key }}", url = "https://{{ host }}/" }
        [component.gateway.build]
        command = "make"
        [component.gateway.dependencies]
        "shop:rules" = { path = "target/rules.wasm" }
        "shop:texts/render@0.1.0" = { component = "courier", export = "render" }
        [component.courier]
        source = "target/courier.wasm"
        allowed_outbound_hosts = ["https://*:*", "https://{{ host }}", "{{ key }}"]
    "#;

    fn parse(text: &str) -> Result<Manifest, HostError> {
        Manifest::parse(Path::new("app/spin.toml"), text)
    }

    #[test]
    fn the_part_we_act_on_is_read() {
        let manifest = parse(GOOD).unwrap();
        assert_eq!((manifest.name.as_str(), manifest.version.as_str(), manifest.routes.len()), ("shop", "0.1.0", 1));
        let gateway = &manifest.components["gateway"];
        assert_eq!(gateway.source, Path::new("app/target/gateway.wasm"));
        let dependencies: Vec<_> = gateway
            .dependencies
            .iter()
            .map(|(name, d)| (name.as_str(), d.path.as_path(), d.export.as_deref()))
            .collect();
        assert_eq!(
            dependencies,
            [
                ("shop:rules", Path::new("app/target/rules.wasm"), None),
                ("shop:texts/render@0.1.0", Path::new("app/target/courier.wasm"), Some("render"))
            ]
        );
        let values = manifest.variables(&BTreeMap::from([("key".to_owned(), String::new())])).unwrap();
        let grants = manifest.grants("gateway", gateway, &values).unwrap();
        assert_eq!(grants.variables["url"], "https://example.com/");
        assert!(grants.allowed_outbound_hosts.is_empty());
        let courier = manifest.grants("courier", &manifest.components["courier"], &values).unwrap();
        assert_eq!(courier.allowed_outbound_hosts, ["https://*:*", "https://example.com"]);
    }

    #[test]
    fn variables_must_have_values_and_be_known() {
        let manifest = parse(GOOD).unwrap();
        let missing = manifest.variables(&BTreeMap::new()).unwrap_err().to_string();
        assert!(
            missing.contains("required secret variable \"key\"") && missing.contains("SPIN_VARIABLE_KEY"),
            "{missing}"
        );
        let unknown = manifest.variables(&BTreeMap::from([("kee".to_owned(), String::new())])).unwrap_err().to_string();
        assert!(unknown.contains("\"kee\"") && unknown.contains("host, key"), "{unknown}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (from, to, expected) in [
            ("= 2", "= 1", "reads version 2"),
            ("component = \"gateway\"", "component = \"gatway\"", "\"gatway\""),
            ("route = \"/v1/...\"", "route = \"v1\"", "must start with `/`"),
            ("[[trigger.http]]", "[[trigger.redis]]\naddress = \"x\"\n[[trigger.http]]", "trigger.redis"),
            ("key_value_stores = [\"default\"]", "key_value_stores = \"default\"", "key_value_stores"),
            ("key_value_stores = [\"default\"]", "files = [\"*\"]", "does not offer"),
            ("{ path = \"target/rules.wasm\" }", "\">=1\"", "downloads nothing"),
            (
                "{ path = \"target/rules.wasm\" }",
                "{ path = \"a\", inherit_configuration = true }",
                "inherit_configuration",
            ),
            (
                "source = \"target/courier.wasm\"",
                "source = { url = \"https://x\", digest = \"y\" }",
                "downloads nothing",
            ),
            ("host = { default = \"example.com\", description = \"where to\" }", "host = {}", "`default`"),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
