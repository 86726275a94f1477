//! The check itself: every question to an engine, and every answer against what was recorded.

use crate::engine::{native, warm};
use crate::origin::Origin;
use crate::pack::Cased;
use crate::vector::{Line, input_digest};
use rescind_decider::{Decider, Runtime};
use rescind_model::Digest;
use rescind_pack::subject::Subject;
use std::borrow::Cow;
use std::sync::LazyLock;

/// A vector that is ready to be asked.
pub struct Ready {
    pub line: Line,
    /// Its pack, by its place among [`World::packs`].
    pub pack: usize,
    pub subject: Subject,
}

/// Packs and vectors.
pub struct World {
    pub packs: Vec<Cased>,
    pub vectors: Vec<Ready>,
}

/// An answer that is not the one that was recorded.
#[derive(Debug)]
pub struct Difference {
    /// Which vector, by its place.
    pub vector: usize,
    /// In words.
    pub what: String,
}

pub static WORLD: LazyLock<World> = LazyLock::new(|| {
    let packs = crate::pack::packs();
    let ready = |line: Line| {
        let anew = "write the vectors anew: see tests/conformance/README.md";
        let pack = packs.iter().position(|pack| pack.name() == line.pack);
        let pack = pack.unwrap_or_else(|| panic!("there is no pack {}; {anew}", line.pack));
        let Line { from, pack: name, .. } = &line;
        let subject = from.subject(&packs[pack]).unwrap_or_else(|| panic!("{name} has no {from}; {anew}"));
        assert_eq!(input_digest(&subject), line.input, "{name}, {from}: it asks something else now; {anew}");
        Ready { line, pack, subject }
    };
    let vectors = crate::vector::read().into_iter().map(ready).collect();
    World { packs, vectors }
});

impl World {
    pub fn pack(&self, vector: &Ready) -> &Cased {
        &self.packs[vector.pack]
    }

    /// Asks an engine everything. `answer` gives its bytes, or says that it has none.
    pub fn differences(&self, mut answer: impl FnMut(&Ready) -> Result<Vec<u8>, String>) -> Vec<Difference> {
        let differs = |(index, vector): (usize, &Ready)| {
            let what = match answer(vector) {
                Ok(bytes) if Digest::of(&bytes).hex == vector.line.answer => return None,
                Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Err(why) => why,
            };
            let Line { pack, from, .. } = &vector.line;
            let expected = native(self.pack(vector), &vector.subject);
            let expected = String::from_utf8_lossy(&expected);
            Some(Difference { vector: index, what: format!("{pack}, {from}:\n  {what}\nnative says\n  {expected}") })
        };
        self.vectors.iter().enumerate().filter_map(differs).collect()
    }

    /// An engine with the component that is kept loaded, with each pack's policy as `document` gives it.
    pub fn host<'a>(
        &'a self,
        runtime: &'a Runtime,
        document: impl Fn(&'a Cased) -> Cow<'a, [u8]> + 'a,
    ) -> impl FnMut(&Ready) -> Result<Vec<u8>, String> + 'a {
        let mut loaded: Option<(usize, Decider)> = None;
        move |vector| {
            let mut decider = match loaded.take() {
                Some((pack, decider)) if pack == vector.pack => decider,
                other => {
                    drop(other);
                    let document = document(&self.packs[vector.pack]);
                    runtime.decider(&document).map_err(|error| error.to_string())?
                }
            };
            let answer = warm(&mut decider, &vector.subject).map_err(|error| error.to_string());
            loaded = Some((vector.pack, decider));
            answer
        }
    }

    /// The same with the packs as they are.
    pub fn host_as_it_is<'a>(&'a self, runtime: &'a Runtime) -> impl FnMut(&Ready) -> Result<Vec<u8>, String> + 'a {
        self.host(runtime, |pack| Cow::Borrowed(pack.document()))
    }
}

/// Fails with the first few.
pub fn assert_none(engine: &str, differences: &[Difference]) {
    let first: Vec<&str> = differences.iter().take(3).map(|difference| difference.what.as_str()).collect();
    assert!(
        differences.is_empty(),
        "{engine}: {} answers are not those of tests/conformance/vectors.jsonl (if what is decided was meant to change, \
         write them anew: see the README beside it)\n{}",
        differences.len(),
        first.join("\n")
    );
}

/// Says which vector it is, in a panic.
pub fn named(pack: &str, from: &Origin) -> String {
    format!("{pack}, {from}")
}
