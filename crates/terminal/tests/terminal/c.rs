//! The C ABI from C: `examples/terminal/terminal.c`, built by `cc` with all warnings, goes through every call; and what a
//! C program can do wrong.
//!
//! On another processor `cargo xtask cross` says what compiles (`RESCIND_CC`), what runs programs (`RESCIND_RUNNER`) and
//! which library is linked (`RESCIND_LIBRARY`): the static one, as firmware gets it.

use crate::world::{OPENING, Shop, bundle, content, sale, setup, terminal_key};
use rescind_bundle::Signer as _;
use rescind_terminal::ffi::{self, ClockReading, Handle};
use rescind_terminal::{code, limits};
use std::path::{Path, PathBuf};
use std::process::Command;

fn now() -> ClockReading {
    ClockReading { wall_unix_ms: OPENING, monotonic_ms: 5_000 }
}

/// Where cargo put what it built for this test: its folder of examples and the library.
fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().to_path_buf()
}

fn library() -> PathBuf {
    if let Some(library) = std::env::var_os("RESCIND_LIBRARY") {
        return library.into();
    }
    let name = format!("{}rescind_terminal{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    [built().join("deps").join(&name), built().join(&name)]
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no {name} below {}", built().display()))
}

/// What has to stand before a program, where this machine does not run it by itself.
fn runner() -> Vec<String> {
    std::env::var("RESCIND_RUNNER").unwrap_or_default().split_whitespace().map(ToOwned::to_owned).collect()
}

/// A program, whichever processor it is for.
fn program(path: &Path) -> Command {
    let words = [runner(), vec![path.to_string_lossy().into_owned()]].concat();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

#[test]
fn a_c_program_goes_through_all_of_it() {
    let shop = Shop::new();
    let folder = shop.folder.path();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = library();
    let library_folder = library.parent().unwrap();
    let built_program = folder.join("program");
    let compiled = Command::new(std::env::var_os("RESCIND_CC").unwrap_or_else(|| "cc".into()))
        .args(["-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O1", "-o"])
        .arg(&built_program)
        .arg("-I")
        .arg(root.join("include"))
        .arg(root.join("../../examples/terminal/terminal.c"))
        .arg(&library)
        .arg(format!("-Wl,-rpath,{}", library_folder.display()))
        .args(["-lpthread", "-ldl", "-lm"])
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));

    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).unwrap();
        name.to_owned()
    };
    let home = folder.join("home");
    let stored = serde_json::json!({
        "sale": sale("S-1", 12_000, OPENING), "outcome": "Good", "forwarding": "Kept"
    });
    let begin = serde_json::to_vec(&shop.begin("V-1", "S-1", 12_000)).unwrap();
    let files = [
        write("setup", &serde_json::to_vec(&setup(&home, "run-1")).unwrap()),
        write("key", terminal_key().secret_text().as_bytes()),
        write("bundle", &bundle(1)),
        write("sale", stored.to_string().as_bytes()),
        write("ask", &serde_json::to_vec(&shop.void("S-1", 12_000)).unwrap()),
        write("begin", &begin),
    ];
    let server = built().join("examples/server");
    let key = terminal_key().public().to_string();
    let ran = program(&built_program)
        .current_dir(folder)
        .args(files)
        .arg(format!("{} {} {key} M-1 T1 {OPENING} state", runner().join(" "), server.display()))
        .env("RESCIND_WALL_MS", OPENING.to_string())
        .env("RESCIND_MONOTONIC_MS", "5000")
        .env("RESCIND_PUBLIC_KEY", key)
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{out}{err}");
    assert!(out.contains("all of it") && out.contains("撤销成功") && !out.contains("待联机确认"), "{out}");
}

/// Opens a terminal through C in a folder.
fn opened(shop: &Shop) -> Handle {
    let setup = serde_json::to_vec(&setup(&shop.folder.path().join("home"), "run-1")).unwrap();
    let key = terminal_key().secret_text();
    let mut terminal: Handle = 0;
    // SAFETY: all of it is ours and outlives the call.
    #[expect(unsafe_code, reason = "the C boundary is what is tested")]
    let answer = unsafe {
        ffi::rescind_terminal_open(setup.as_ptr(), setup.len(), key.as_ptr(), key.len(), now(), &raw mut terminal)
    };
    assert_eq!(answer, code::OK, "{}", said(0));
    terminal
}

fn said(terminal: Handle) -> String {
    let (mut text, mut needed) = ([0_u8; 512], 0_usize);
    // SAFETY: as above.
    #[expect(unsafe_code, reason = "as above")]
    let answer = unsafe { ffi::rescind_terminal_last_error(terminal, text.as_mut_ptr(), text.len(), &raw mut needed) };
    assert_eq!(answer, code::OK);
    String::from_utf8_lossy(&text[..needed]).into_owned()
}

#[test]
#[expect(unsafe_code, reason = "the C boundary is what is tested")]
fn what_a_caller_does_wrong_is_answered() {
    let shop = Shop::new();
    let terminal = opened(&shop);
    let mut needed = 7_usize;
    let nothing = std::ptr::null_mut();
    // SAFETY: null pointers, and our own buffers.
    unsafe {
        assert_eq!(ffi::rescind_terminal_status(terminal, now(), nothing, 0, &raw mut needed), code::BUFFER);
        assert!(needed > 100);
        assert_eq!(ffi::rescind_terminal_status(terminal, now(), nothing, 10, &raw mut needed), code::ARGUMENT);
        assert_eq!(ffi::rescind_terminal_status(terminal, now(), nothing, 0, std::ptr::null_mut()), code::ARGUMENT);
        assert_eq!(ffi::rescind_terminal_record_sale(terminal, now(), std::ptr::null(), 3), code::ARGUMENT);
        let junk = [0xff_u8; 64];
        assert_eq!(ffi::rescind_terminal_record_sale(terminal, now(), junk.as_ptr(), junk.len()), code::ARGUMENT);
        assert!(said(terminal).contains("the sale"), "{}", said(terminal));
        let long = vec![b' '; limits::ASK_BYTES + 1];
        assert_eq!(ffi::rescind_terminal_record_sale(terminal, now(), long.as_ptr(), long.len()), code::ARGUMENT);
        let early = ClockReading { wall_unix_ms: -1, ..now() };
        assert_eq!(ffi::rescind_terminal_status(terminal, early, nothing, 0, &raw mut needed), code::ARGUMENT);
        assert_eq!(needed, 0);
        assert_eq!(ffi::rescind_terminal_forward(terminal, now(), b"S-1".as_ptr(), 3, 2), code::ARGUMENT);
        assert_eq!(ffi::rescind_terminal_forward(terminal, now(), b"S-1".as_ptr(), 3, 0), code::UNKNOWN_SALE);
        assert_eq!(ffi::rescind_terminal_close(terminal), code::OK);
        assert_eq!(ffi::rescind_terminal_close(terminal), code::HANDLE);
        assert_eq!(ffi::rescind_terminal_status(terminal, now(), nothing, 0, &raw mut needed), code::HANDLE);
        assert_eq!(ffi::rescind_terminal_close(u64::MAX), code::HANDLE);
    }
    // The place is used again; the old number still means nothing.
    let next = opened(&shop);
    assert_ne!(next, terminal);
    assert_eq!(ffi::rescind_terminal_close(terminal), code::HANDLE);
    assert_eq!(ffi::rescind_terminal_close(next), code::OK);
}

#[test]
#[expect(unsafe_code, reason = "the C boundary is what is tested")]
fn a_second_thread_is_told_that_the_first_is_there() {
    let shop = Shop::new();
    let terminal = opened(&shop);
    ffi::rescind_terminal_hear(terminal, now(), now(), OPENING);
    let big = content(1, rescind_terminal::Code::Native).sign(&[], &crate::world::bundle_key()).unwrap();
    let answers: Vec<i32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut needed = 0;
                    let mut answer = [0_u8; 256];
                    // SAFETY: our own buffers.
                    unsafe {
                        ffi::rescind_terminal_apply_bundle(
                            terminal,
                            now(),
                            big.as_ptr(),
                            big.len(),
                            answer.as_mut_ptr(),
                            answer.len(),
                            &raw mut needed,
                        )
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| [code::OK, code::BUSY].contains(answer)), "{answers:?}");
    assert!(answers.contains(&code::OK) && answers.contains(&code::BUSY), "{answers:?}");
    assert_eq!(ffi::rescind_terminal_close(terminal), code::OK);
}
