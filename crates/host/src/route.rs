//! Routes as Spin matches them: exact paths, `:name` for one segment, `/...` for everything below.

use std::fmt;

/// A route of the manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    segments: Vec<Segment>,
    /// Whether anything may follow.
    wildcard: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Exact(String),
    Named(String),
}

/// How well a route fits; the largest wins. Exact segments from the left count most, and no wildcard beats one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fit {
    segments: Vec<bool>,
    complete: bool,
}

impl Route {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix('/').ok_or_else(|| format!("the route {text:?} must start with `/`"))?;
        let (path, wildcard) = match path.strip_suffix("...") {
            Some(prefix) if prefix.is_empty() || prefix.ends_with('/') => (prefix, true),
            _ => (path, false),
        };
        let mut segments = Vec::new();
        for segment in split(path) {
            let segment = match segment.strip_prefix(':') {
                Some("") => return Err(format!("the route {text:?} has a `:` without a name")),
                Some(name) => Segment::Named(name.to_owned()),
                None if segment.contains(['*', '?', '#']) => {
                    return Err(format!(
                        "the route {text:?} has {segment:?} in it: use `:name` for one segment and `/...` at the end"
                    ));
                }
                None => Segment::Exact(segment.to_owned()),
            };
            segments.push(segment);
        }
        Ok(Self { segments, wildcard })
    }

    /// How well this route fits `path`, if at all.
    pub(crate) fn fit(&self, path: &str) -> Option<Fit> {
        let mut given = split(path);
        let mut exact = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            match (segment, given.next()?) {
                (Segment::Exact(expected), found) if expected == found => exact.push(true),
                (Segment::Named(_), _) => exact.push(false),
                (Segment::Exact(_), _) => return None,
            }
        }
        let complete = given.next().is_none();
        (complete || self.wildcard).then_some(Fit { segments: exact, complete: !self.wildcard })
    }
}

/// The segments of a path. A slash at the end makes no difference, as in Spin.
fn split(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Exact(text) => write!(f, "/{text}")?,
                Segment::Named(name) => write!(f, "/:{name}")?,
            }
        }
        match (self.wildcard, self.segments.is_empty()) {
            (true, _) => f.write_str("/..."),
            (false, true) => f.write_str("/"),
            (false, false) => Ok(()),
        }
    }
}

/// The component for `path`.
pub(crate) fn find<'a, T>(routes: &'a [(Route, T)], path: &str) -> Option<&'a T> {
    let fits = routes.iter().filter_map(|(route, target)| Some((route.fit(path)?, target)));
    fits.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, target)| target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_route_wins() {
        let routes: Vec<_> = ["/", "/v1/...", "/v1/sales", "/v1/sales/:id", "/v1/:kind/list", "/console/..."]
            .map(|route| (Route::parse(route).unwrap(), route))
            .into();
        for (path, expected) in [
            ("/", Some("/")),
            ("/v1", Some("/v1/...")),
            ("/v1/", Some("/v1/...")),
            ("/v1/x/y", Some("/v1/...")),
            ("/v1/sales", Some("/v1/sales")),
            ("/v1/sales/", Some("/v1/sales")),
            ("/v1/sales/7", Some("/v1/sales/:id")),
            ("/v1/sales/list", Some("/v1/sales/:id")),
            ("/v1/refunds/list", Some("/v1/:kind/list")),
            ("/v1/sales/7/refunds", Some("/v1/...")),
            ("/console/app.js", Some("/console/...")),
            ("/v2", None),
        ] {
            assert_eq!(find(&routes, path).copied(), expected, "{path}");
        }
        let everything = [(Route::parse("/...").unwrap(), ())];
        assert!(find(&everything, "/").is_some() && find(&everything, "/a/b").is_some());
    }

    #[test]
    fn routes_are_checked_and_shown_as_written() {
        for route in ["/", "/...", "/v1/...", "/a/:b/c"] {
            assert_eq!(Route::parse(route).unwrap().to_string(), route);
        }
        for wrong in ["", "v1", "/a/:", "/a/*/b"] {
            assert!(Route::parse(wrong).is_err(), "{wrong}");
        }
    }
}
