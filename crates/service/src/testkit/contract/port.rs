//! What a store itself does.

use super::{Asked, Broken, Case, Level, Need, Subject, boxed};
use crate::limits::{KEY_BYTES, VALUE_BYTES};
use crate::ports::{Kv, KvError, Swap};

const fn case(name: &'static str, need: Need, promise: &'static str) -> Case {
    Case { name, promise, level: Level::Port, need }
}

pub(super) const CASES: &[Case] = &[
    case("bytes-kept", Need::Always, "what was written is read, byte for byte, from one byte to the largest value"),
    case("keys-apart", Need::Always, "keys that differ in anything are different, up to the longest"),
    case("seen-at-once", Need::Always, "what a write said it did, every other instance reads at once"),
    case("removed-at-once", Need::Always, "a removed value is gone for every other instance; again is harmless"),
    case("swap-over-value", Need::Always, "a swap over the value that is still there writes"),
    case("swap-over-change", Need::Always, "a swap over a value that was changed since does not write"),
    case("swap-over-removal", Need::Always, "a swap over a value that was removed since does not write"),
    case(
        "swap-over-remade",
        Need::Never("a record is removed only when nobody writes it any more"),
        "a swap over a value that was removed and made anew does not write",
    ),
    case("swaps-race", Need::Always, "of racing swaps over one value at most one writes: nothing is overwritten"),
    case("creation-race", Need::Direct, "of racing swaps over nothing one writes, and nobody overwrites it"),
    case("head-made-once", Need::Headed, "increment by 0 makes 8 bytes of zero, once, and leaves a value of 8 bytes"),
    case(
        "swap-tells",
        Need::Never("no answer is believed, the record is read"),
        "what is said of a swap is what was done",
    ),
    case("counter-tells", Need::Never("nothing counts by increments"), "racing increments are each told another sum"),
];

pub(super) async fn ask<S: Subject>(name: &str, asked: &Asked<'_, S>) -> Result<(), Broken> {
    let done = match name {
        "bytes-kept" => bytes_kept(asked).await,
        "keys-apart" => keys_apart(asked).await,
        "seen-at-once" => seen_at_once(asked).await,
        "removed-at-once" => removed_at_once(asked).await,
        "swap-over-value" => swap_over_value(asked).await,
        "swap-over-change" => swap_over(asked, Between::Change).await,
        "swap-over-removal" => swap_over(asked, Between::Removal).await,
        "swap-over-remade" => swap_over(asked, Between::Remade).await,
        "swaps-race" => swaps_race(asked).await,
        "creation-race" => creation_race(asked).await,
        "head-made-once" => head_made_once(asked).await,
        "swap-tells" => swap_tells(asked).await,
        "counter-tells" => counter_tells(asked).await,
        other => Err(Trouble::Broken(format!("there is no case {other}"))),
    };
    done.map_err(|trouble| match trouble {
        Trouble::Store(KvError(why)) => format!("the store failed: {why}"),
        Trouble::Broken(why) => why,
    })
}

enum Trouble {
    Store(KvError),
    Broken(Broken),
}

impl From<KvError> for Trouble {
    fn from(error: KvError) -> Self {
        Self::Store(error)
    }
}

type Told = Result<(), Trouble>;

fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Told {
    if holds { Ok(()) } else { Err(Trouble::Broken(otherwise())) }
}

/// Text of a value, for people.
fn shown(value: Option<&[u8]>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |v| String::from_utf8_lossy(v).into_owned())
}

async fn bytes_kept<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let kv = asked.subject.instance().await?;
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let largest: Vec<u8> = every.iter().copied().cycle().take(VALUE_BYTES).collect();
    // Eight bytes are a head's form.
    let values = [b"x".to_vec(), b"0".to_vec(), vec![0; 8], 7_i64.to_le_bytes().to_vec(), every, largest];
    for (number, value) in values.iter().enumerate() {
        let key = format!("{}:{number}", asked.name);
        kv.set(&key, value).await?;
        expect(kv.get(&key).await?.as_ref() == Some(value), || format!("{} bytes were set, others read", value.len()))?;
        let (seen, cell) = kv.open(&key).await?;
        expect(seen.as_ref() == Some(value), || format!("{} bytes were set, others opened", value.len()))?;
        let turned: Vec<u8> = value.iter().rev().copied().chain([0]).take(VALUE_BYTES).collect();
        kv.swap(cell, &turned).await?;
        expect(kv.get(&key).await? == Some(turned), || format!("{} bytes were swapped, others read", value.len()))?;
    }
    Ok(())
}

async fn keys_apart<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let kv = asked.subject.instance().await?;
    let name = &asked.name;
    let long = "k".repeat(KEY_BYTES.saturating_sub(name.len()).saturating_sub(2));
    let ends =
        ["a", "A", "a:", "a:p00000000", "a#0000000000000001", "a~0", "a.b", "a_b", "a-b", "a%b", "a=b", "a b", &long];
    let keys: Vec<String> = ends.iter().map(|end| format!("{name}:{end}")).chain([format!("{name}:{long}+")]).collect();
    for key in &keys {
        kv.set(key, key.as_bytes()).await?;
    }
    for key in &keys {
        let there = kv.get(key).await?;
        expect(there.as_deref() == Some(key.as_bytes()), || {
            format!("under a key of {} bytes is {}", key.len(), shown(there.as_deref()))
        })?;
    }
    Ok(())
}

async fn seen_at_once<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let key = format!("{}:k", asked.name);
    let (writer, reader) = (asked.subject.instance().await?, asked.subject.instance().await?);
    for round in 0..asked.effort.rounds {
        let value = format!("{round}").into_bytes();
        writer.set(&key, &value).await?;
        let read = reader.get(&key).await?;
        expect(read.as_ref() == Some(&value), || format!("{round} was set, {} read", shown(read.as_deref())))?;
        let (seen, cell) = reader.open(&key).await?;
        expect(seen.as_ref() == Some(&value), || format!("{round} was set, {} opened", shown(seen.as_deref())))?;
        let next = format!("{round} swapped").into_bytes();
        reader.swap(cell, &next).await?;
        let read = writer.get(&key).await?;
        expect(read.as_ref() == Some(&next), || format!("{round} was swapped, {} read", shown(read.as_deref())))?;
    }
    Ok(())
}

async fn removed_at_once<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let key = format!("{}:k", asked.name);
    let (writer, reader) = (asked.subject.instance().await?, asked.subject.instance().await?);
    for _ in 0..asked.effort.rounds {
        writer.set(&key, b"there").await?;
        writer.delete(&key).await?;
        let read = reader.get(&key).await?;
        expect(read.is_none(), || format!("{} was removed and is read", shown(read.as_deref())))?;
        let (seen, _) = reader.open(&key).await?;
        expect(seen.is_none(), || format!("{} was removed and is opened", shown(seen.as_deref())))?;
        writer.delete(&key).await?;
    }
    Ok(())
}

async fn swap_over_value<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let key = format!("{}:k", asked.name);
    let kv = asked.subject.instance().await?;
    kv.set(&key, b"first").await?;
    for round in 0..asked.effort.rounds {
        let (_, cell) = kv.open(&key).await?;
        let next = format!("{round}").into_bytes();
        kv.swap(cell, &next).await?;
        let there = kv.get(&key).await?;
        expect(there.as_ref() == Some(&next), || {
            format!("{round} was swapped in, {} is there", shown(there.as_deref()))
        })?;
    }
    Ok(())
}

/// What another instance does between opening and swap.
#[derive(Clone, Copy, PartialEq)]
enum Between {
    Change,
    Removal,
    Remade,
}

async fn swap_over<S: Subject>(asked: &Asked<'_, S>, between: Between) -> Told {
    let (one, two) = (asked.subject.instance().await?, asked.subject.instance().await?);
    for round in 0..asked.effort.rounds {
        let key = format!("{}:{round}", asked.name);
        // By a swap over nothing, which is how records are made; nobody else is there.
        let (_, cell) = one.open(&key).await?;
        one.swap(cell, b"seen").await?;
        let (_, slow) = one.open(&key).await?;
        match between {
            Between::Change => {
                let (_, cell) = two.open(&key).await?;
                two.swap(cell, b"other").await?;
            }
            Between::Removal => two.delete(&key).await?,
            Between::Remade => {
                two.delete(&key).await?;
                let (_, cell) = two.open(&key).await?;
                two.swap(cell, b"other").await?;
            }
        }
        let said = one.swap(slow, b"late").await;
        let there = two.get(&key).await?;
        let expected = (between != Between::Removal).then_some(b"other".as_slice());
        expect(there.as_deref() == expected, || {
            format!(
                "{} is there, {} was expected; the late swap said {said:?}",
                shown(there.as_deref()),
                shown(expected)
            )
        })?;
    }
    Ok(())
}

/// One line of a racing record per write.
fn lines(value: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(value).lines().map(str::to_owned).collect()
}

/// Callers add lines to one value, each by opening and swapping and looking. Gives what each was told and saw.
async fn adders<S: Subject>(asked: &Asked<'_, S>, key: &str, each: usize) -> Result<Vec<(Swap, bool)>, Trouble> {
    let callers = (0..asked.effort.callers).map(|caller| {
        let adding = async move {
            let mut told = Vec::new();
            for n in 0..each {
                let line = format!("{caller}.{n}");
                loop {
                    // An instance for each: on some stores every handle is a connection until its instance ends.
                    let kv = asked.subject.instance().await?;
                    let (seen, cell) = kv.open(key).await?;
                    let next = format!("{}{line}\n", String::from_utf8_lossy(&seen.unwrap_or_default()));
                    let said = kv.swap(cell, next.as_bytes()).await?;
                    let there = kv.get(key).await?.unwrap_or_default();
                    let wrote = lines(&there).contains(&line);
                    told.push((said, wrote));
                    if wrote {
                        break;
                    }
                }
            }
            Ok::<_, KvError>(told)
        };
        boxed(adding)
    });
    let mut all = Vec::new();
    for told in asked.subject.together(callers.collect()).await {
        all.extend(told?);
    }
    Ok(all)
}

async fn swaps_race<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let key = format!("{}:k", asked.name);
    let kv = asked.subject.instance().await?;
    kv.set(&key, b"first\n").await?;
    let each = asked.effort.rounds;
    adders(asked, &key, each).await?;
    let there = lines(&kv.get(&key).await?.unwrap_or_default());
    for caller in 0..asked.effort.callers {
        for n in 0..each {
            let times = there.iter().filter(|line| **line == format!("{caller}.{n}")).count();
            expect(times == 1, || format!("{caller}.{n} was written and is there {times} times"))?;
        }
    }
    Ok(())
}

async fn creation_race<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let mut broken = 0_usize;
    for round in 0..asked.effort.rounds {
        let key = format!("{}:{round}", asked.name);
        let key = &key;
        let callers = (0..asked.effort.callers).map(|caller| {
            let creating = async move {
                let kv = asked.subject.instance().await?;
                let (seen, cell) = kv.open(key).await?;
                if seen.is_none() {
                    kv.swap(cell, format!("{caller}").as_bytes()).await?;
                }
                // What is seen now is there for ever.
                kv.get(key).await
            };
            boxed(creating)
        });
        let mut seen = Vec::new();
        for told in asked.subject.together(callers.collect()).await {
            seen.push(told?);
        }
        let last = asked.subject.instance().await?.get(key).await?;
        if last.is_none() || seen.iter().any(|value| *value != last) {
            broken = broken.saturating_add(1);
        }
    }
    expect(broken == 0, || format!("of {} races {broken} had more than one winner", asked.effort.rounds))
}

async fn head_made_once<S: Subject>(asked: &Asked<'_, S>) -> Told {
    for round in 0..asked.effort.rounds {
        let key = format!("{}:{round}", asked.name);
        let key = &key;
        let callers = (0..asked.effort.callers).map(|caller| {
            let making = async move {
                let kv = asked.subject.instance().await?;
                kv.increment(key, 0).await?;
                let (seen, cell) = kv.open(key).await?;
                let head = i64::try_from(caller).unwrap_or(0).saturating_add(1).to_le_bytes();
                if seen.as_deref() == Some(&[0; 8]) {
                    kv.swap(cell, &head).await?;
                }
                kv.increment(key, 0).await?;
                kv.get(key).await
            };
            boxed(making)
        });
        let mut seen = Vec::new();
        for told in asked.subject.together(callers.collect()).await {
            seen.push(told?);
        }
        let last = asked.subject.instance().await?.get(key).await?;
        let whole = last.as_ref().is_some_and(|value| value.len() == 8 && *value != vec![0; 8]);
        expect(whole && seen.iter().all(|value| *value == last), || {
            let of: Vec<usize> = seen.iter().flatten().map(Vec::len).collect();
            format!("no heads of 8 bytes: counters have {of:?} bytes")
        })?;
    }
    Ok(())
}

async fn swap_tells<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let key = format!("{}:k", asked.name);
    asked.subject.instance().await?.set(&key, b"first\n").await?;
    let told = adders(asked, &key, asked.effort.rounds).await?;
    let wrong = told.iter().filter(|(said, wrote)| (*said == Swap::Swapped) != *wrote).count();
    let refused = told.iter().filter(|(said, _)| *said == Swap::Refused).count();
    expect(wrong == 0, || format!("of {} swaps {wrong} were told wrongly, {refused} as refused", told.len()))
}

async fn counter_tells<S: Subject>(asked: &Asked<'_, S>) -> Told {
    let key = format!("{}:k", asked.name);
    let key = &key;
    let callers = (0..asked.effort.callers).map(|_| {
        let counting = async move {
            let kv = asked.subject.instance().await?;
            let mut sums = Vec::new();
            for _ in 0..asked.effort.rounds {
                sums.push(kv.increment(key, 1).await?);
            }
            Ok::<_, KvError>(sums)
        };
        boxed(counting)
    });
    let mut sums = Vec::new();
    for told in asked.subject.together(callers.collect()).await {
        sums.extend(told?);
    }
    let all = sums.len();
    sums.sort_unstable();
    sums.dedup();
    expect(sums.len() == all, || format!("{all} increments were told {} sums", sums.len()))
}
