//! The options of `alt livepatch build`.

use alt_runtime::livepatch::Payload;
use alt_runtime::livepatch::format::{HookKind, NONE};
use test_support::Image;

use crate::kernel::{Kernel, SOURCE, alt, said};
use crate::payload::{address, build, built, edited};

const HOOK: &str = "
static RUNS: AtomicU32 = AtomicU32::new(0);
#[unsafe(no_mangle)]
extern \"C\" fn fix_up() -> u32 {
    RUNS.fetch_add(1, Ordering::Relaxed);
    tick(9);
    0
}
";

#[test]
fn options_of_the_author() {
    let Some(kernel) = Kernel::new("options_of_the_author") else {
        return;
    };
    let old = kernel.build("old", SOURCE);
    let flags: Vec<_> = crate::kernel::FLAGS
        .into_iter()
        .chain(["-Clink-arg=--undefined=fix_up"])
        .collect();
    let output = kernel.run("new", &format!("{}{HOOK}", edited()), &flags);
    assert!(output.status.success(), "{}", said(&output));
    let parent = built(&kernel, &["old", "new"], "parent.alp");
    let first = {
        let image = Image::open(&old).unwrap();
        let bytes = image
            .bytes(address(&old, "kernel5spare17h") + 4, 4)
            .unwrap();
        u32::from_le_bytes(bytes.try_into().unwrap())
    };
    let expect = format!("kernel::spare+0x4={first:08x}");
    let arguments = [
        "old",
        "new",
        "--hook",
        "post-apply=fix_up",
        "--expect",
        &expect,
        "--parent",
        "parent.alp",
        "--name",
        "second fix",
        "--may-be-running",
        "kernel::greet",
    ];
    let file = built(&kernel, &arguments, "fix.alp");
    let payload = Payload::parse(&file).unwrap();
    assert_eq!(payload.name(), "second fix");
    assert_eq!(payload.parent(), Payload::parse(&parent).unwrap().id());
    let hook = payload.header().hooks[HookKind::PostApply as usize];
    assert_ne!(hook, NONE);
    let symbol = payload
        .symbols()
        .find(|symbol| symbol.start == hook)
        .unwrap();
    assert_eq!(payload.text(symbol.name, symbol.name_len), "fix_up");
    // Its static is new, and writable.
    assert_eq!(payload.header().flags, 1);
    let expectation = payload.expectations().next().unwrap();
    assert_eq!(expectation.word, first);
    let shown = alt(
        &["livepatch", "show", "fix.alp", "--image", "old"],
        &kernel.path(""),
    );
    let text = String::from_utf8(shown.stdout).unwrap();
    for part in [
        "payload second fix, ",
        "hook post-apply: fix_up at +0x",
        "may be running: calls in progress finish in the old function",
        "data    is written",
        &format!("expects {first:08x} at kernel::spare+0x4"),
        "adds fix_up: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let refused = |more: &[&str], words: &str| {
        let all: Vec<_> = ["old", "new", "-o", "no.alp"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        let output = build(&kernel, &all);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(said(&output).contains(words), "{more:?}: {}", said(&output));
        assert!(!kernel.path("no.alp").exists());
    };
    refused(
        &["--hook", "load=nothing"],
        "hook load: nothing is not a function of the new build",
    );
    refused(
        &["--hook", "later=fix_up"],
        "there is no hook later; there are load, pre-apply",
    );
    refused(&["--hook", "fix_up"], "write it as KIND=SYMBOL");
    refused(
        &["--expect", "nothing+0x4=0"],
        "nothing: there is no such function",
    );
    refused(
        &["--expect", "kernel::spare+0x10000000=0"],
        "is not an instruction of the old image",
    );
    refused(
        &["--expect", "kernel::spare=123456789"],
        "a word has 32 bits",
    );
    refused(
        &["--expect", "kernel::spare"],
        "write it as SYMBOL+OFFSET=WORD",
    );
    refused(
        &["--may-be-running", "kernel::spare"],
        "kernel::spare: there is no such function",
    );
    refused(&["--name", ""], "a payload's name has 1 to 127 bytes");
    refused(&["--parent", "old"], "the parent is not a payload");
    kernel.build("other", &SOURCE.replace("hello", "hallo"));
    built(&kernel, &["other", "new"], "other.alp");
    refused(
        &["--parent", "other.alp"],
        "the parent is a payload for the image",
    );
}
