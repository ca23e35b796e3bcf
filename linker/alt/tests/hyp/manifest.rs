//! What is wrong with a manifest, by its place.

use alt_linker::namespace::Manifest;
use alt_linker::namespace::{AllowKind, X18};

#[test]
fn all_keys_are_read() {
    let text = "\
exports = [\"vectors\", \"init\"]
[allow]
HYP_ADDRESS = \"callback\"
landing = { kind = \"eret-target\", kernel = \"hyp_landing\" }
A = \"data-ro\"
B = \"data-rw\"
C = \"bound\"
[mapped]
data-ro = [\".shared.rodata\"]
data-rw = [\".shared.data\", \".shared.bss\"]
[code]
x18 = \"forbidden\"
fp-simd = \"allowed\"
indirect-calls = [\"demo_hyp::dispatch\"]
[sections]
\".data.percpu\" = [\".data..percpu\", \".data..percpu.*\"]
";
    let manifest = Manifest::parse("hyp.toml", text).unwrap();
    assert_eq!(manifest.exports, ["vectors", "init"]);
    let allow: Vec<_> = (manifest.allow.iter())
        .map(|a| (a.name.as_str(), a.kind, a.kernel.as_str()))
        .collect();
    assert_eq!(
        allow,
        [
            ("HYP_ADDRESS", AllowKind::Callback, "HYP_ADDRESS"),
            ("landing", AllowKind::EretTarget, "hyp_landing"),
            ("A", AllowKind::DataRo, "A"),
            ("B", AllowKind::DataRw, "B"),
            ("C", AllowKind::Bound, "C"),
        ]
    );
    assert_eq!(manifest.mapped.data_ro, [".shared.rodata"]);
    assert_eq!(manifest.mapped.data_rw, [".shared.data", ".shared.bss"]);
    assert_eq!(manifest.code.x18, X18::Forbidden);
    assert!(manifest.code.fp_simd);
    assert_eq!(manifest.code.indirect_calls, ["demo_hyp::dispatch"]);
    let patterns: Vec<_> = manifest.sections[0]
        .patterns
        .iter()
        .map(|p| p.as_str())
        .collect();
    assert_eq!(patterns, [".data..percpu", ".data..percpu.*"]);

    let plain = Manifest::parse("hyp.toml", "exports = [\"init\"]").unwrap();
    assert_eq!(plain.code.x18, X18::Saved);
    assert!(!plain.code.fp_simd && plain.code.indirect_calls.is_empty());
}

#[test]
fn mistakes_are_told_with_their_place() {
    let ok = "exports = [\"init\"]\n";
    for (rest, expected) in [
        ("allows = 1", "2:1: unknown key `allows` in a manifest"),
        (
            "[allow]\na = \"calback\"",
            "3:5: there is no kind `calback`",
        ),
        ("[allow]\na = \"calback\"", "did you mean `callback`?"),
        (
            "[allow]\na = \"x\"",
            "use one of: callback, data-ro, data-rw, eret-target, bound",
        ),
        (
            "[allow]\na = 1",
            "3:5: expected a kind, or a table with `kind`, found integer",
        ),
        (
            "[allow]\na = { kernel = \"b\" }",
            "3:1: what is allowed needs `kind`",
        ),
        (
            "[allow]\na = { kind = \"bound\", kernal = \"b\" }",
            "3:23: unknown key `kernal`",
        ),
        (
            "[allow]\na = { kind = \"bound\", kernel = \"b c\" }",
            "3:32: that is not the name of a symbol",
        ),
        (
            "[allow]\ninit = \"bound\"",
            "3:1: `init` is both the hypervisor's own",
        ),
        (
            "[allow]\na = \"data-ro\"",
            "3:1: `a` is data-ro, but no section is mapped so",
        ),
        (
            "[allow]\na = \"data-rw\"\n[mapped]\ndata-ro = [\".a\"]",
            "3:1: `a` is data-rw, but no",
        ),
        (
            "[allow]\na = \"bound\"\na = \"bound\"",
            "4:1: duplicate key `a`",
        ),
        ("allow = 1", "2:9: expected a table, found integer"),
        (
            "[mapped]\ndata-rx = []",
            "3:1: unknown key `data-rx` in [mapped]",
        ),
        (
            "[mapped]\ndata-ro = \".a\"",
            "3:11: expected an array, found string",
        ),
        ("[code]\nx18 = \"free\"", "3:7: `x18` cannot be `free`"),
        ("[code]\nx18 = \"free\"", "use one of: saved, forbidden"),
        (
            "[code]\nfp-simd = true",
            "3:11: expected a string, found boolean",
        ),
        (
            "[code]\nfp = \"allowed\"",
            "3:1: unknown key `fp` in [code]",
        ),
        (
            "[sections]\ndata = [\".x\"]",
            "3:1: `data` cannot be a section of a namespace",
        ),
        (
            "[sections]\n\".pointers\" = [\".x\"]",
            "3:1: `.pointers` cannot be",
        ),
        (
            "[sections]\n\".a\" = [\".x y\"]",
            "3:9: `.x y` is not a pattern",
        ),
        (
            "[sections]\n\".a\" = [\"*\"]\n\".b\" = [\".x\"]",
            "4:9: the pattern `.x` is dead: `*`,",
        ),
        (
            "[sections]\n\".a\" = [1]",
            "3:9: expected a string, found integer",
        ),
        ("= 1", "2:1: "),
    ] {
        let error = Manifest::parse("hyp.toml", &format!("{ok}{rest}\n")).unwrap_err();
        let error = error.to_string();
        let at_place = expected.starts_with(|c: char| c.is_ascii_digit());
        let expected = match at_place {
            true => format!("hyp.toml:{expected}"),
            false => expected.to_owned(),
        };
        assert!(error.contains(&expected), "{rest}\n{error}");
    }
    for (text, expected) in [
        ("", "hyp.toml:1:1: a manifest needs `exports`"),
        ("exports = []", "hyp.toml:1:11: nothing is exported"),
        ("exports = 1", "hyp.toml:1:11: expected an array"),
        (
            "exports = [\"a\", \"a\"]",
            "hyp.toml:1:17: `a` is exported already",
        ),
        (
            "exports = [\"\"]",
            "hyp.toml:1:12: that is not the name of a symbol",
        ),
    ] {
        let error = Manifest::parse("hyp.toml", text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}\n{error}");
    }
}
