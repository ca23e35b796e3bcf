//! Kinds of edits, each with all functions that it changes.

use super::check::check;
use super::support::Edit;

/// The body of a function that is inlined into four others.
const POKE: Edit<'static> = (
    "kernel.rs",
    "PORT.write_volatile(17);",
    "PORT.write_volatile(18);",
);

/// The functions with a panic location below `STEP`, as inlining leaves them.
pub const MOVED: [&str; 4] = [
    "Off| moved kernel::element",
    "Off| moved kernel::poll",
    "Fat| moved core::panicking::panic_bounds_check",
    "Fat| moved core::panicking::panic_const::panic_const_async_fn_resumed",
];

/// A line that other edits follow or precede.
const STEP: &str = "const STEP";

/// An entry of the table of checks.
pub const NEW_CHECK: Edit<'static> = (
    "kernel.rs",
    "// More checks are registered here.",
    "#[used]\n#[unsafe(link_section = \"checks\")]\n\
     static CHECK_TICK: Check = Check { run: tick, level: 2 };",
);

#[test]
fn rebuild() {
    check("rebuild", &[], 0, &[]);
}

#[test]
fn body_of_an_inlined_function() {
    let expected = [
        "changed kernel::apply: through inlining of kernel::poke",
        "changed kernel::poll: through inlining of kernel::poke",
        "changed kernel::tick: through inlining of kernel::poke",
        "changed kernel::tock: through inlining of kernel::poke",
    ];
    check("body_of_an_inlined_function", &[POKE], 1, &expected);
}

#[test]
fn body_of_an_inlined_function_and_lines_on_top() {
    let lines = ("kernel.rs", STEP, "// One.\n// Two.\n// Three.\nconst STEP");
    let expected = [
        "changed kernel::apply: through inlining of kernel::poke",
        "changed kernel::poll: through inlining of kernel::poke",
        "changed kernel::tick: through inlining of kernel::poke",
        "changed kernel::tock: through inlining of kernel::poke",
        MOVED[0],
        MOVED[2],
        MOVED[3],
    ];
    let test = "body_of_an_inlined_function_and_lines_on_top";
    check(test, &[POKE, lines], 1, &expected);
}

#[test]
fn blank_lines() {
    let edit = ("kernel.rs", STEP, "\n\nconst STEP");
    let expected = MOVED;
    check("blank_lines", &[edit], 0, &expected);
}

#[test]
fn generic() {
    let edit = (
        "kernel.rs",
        "let old = port.read_volatile();",
        "port.read_volatile(); let old = port.read_volatile();",
    );
    let expected = [
        "changed kernel::swap<u32>: body",
        "changed kernel::swap<u8>: body",
    ];
    check("generic", &[edit], 1, &expected);
}

#[test]
fn static_initialiser() {
    let edit = ("kernel.rs", "AtomicU32::new(5)", "AtomicU32::new(6)");
    let expected = [
        "changed static kernel::TICKS: body",
        "refused[initialiser] kernel::TICKS",
    ];
    check("static_initialiser", &[edit], 3, &expected);
}

#[test]
fn replacement_only() {
    let edit = ("kernel.rs", "dmb ish\"", "dmb ishst\"");
    let expected = ["changed kernel::barrier: replacement of cpucap 7"];
    check("replacement_only", &[edit], 1, &expected);
}

#[test]
fn new_function_and_static() {
    let call = (
        "kernel.rs",
        "    TICKS.fetch_add(by, Ordering::Relaxed)\n",
        "    count(by);\n    TICKS.fetch_add(by, Ordering::Relaxed)\n",
    );
    let function = (
        "kernel.rs",
        "/// A landing pad and nothing else;",
        "static COUNT: AtomicU32 = AtomicU32::new(0);\n\
         #[inline(never)]\n\
         fn count(by: u32) {\n    COUNT.fetch_max(by, Ordering::Relaxed);\n}\n//",
    );
    let expected = [
        "changed kernel::tick: body",
        "new kernel::count",
        "new static kernel::COUNT",
        MOVED[0],
        MOVED[1],
        MOVED[2],
        MOVED[3],
    ];
    check("new_function_and_static", &[call, function], 1, &expected);
}

#[test]
fn generic_of_a_dependency() {
    let edit = ("dep.rs", ".into() + 1", ".into() + 2");
    let expected = [
        "changed dep::pick<u32>: body",
        "changed dep::pick<u8>: body",
    ];
    check("generic_of_a_dependency", &[edit], 1, &expected);
}

#[test]
fn struct_field_added() {
    let edits = [
        (
            "kernel.rs",
            "    size: u64,\n",
            "    size: u64, extra: u64,\n",
        ),
        ("kernel.rs", "size: 9,", "size: 9, extra: 4,"),
        (
            "kernel.rs",
            "self.size as u32",
            "(self.size + self.extra) as u32",
        ),
    ];
    let expected = [
        "changed <kernel::Disk as kernel::Device>::id: type kernel::Disk",
        "changed <kernel::Disk as kernel::Device>::start: type kernel::Disk",
        "changed kernel::run: body",
        "refused[layout] kernel::Disk",
    ];
    check("struct_field_added", &edits, 3, &expected);
}

#[test]
fn new_bounds_check() {
    let edit = (
        "kernel.rs",
        "    list[at]\n",
        "    list[at] + list[at + 1]\n",
    );
    let expected = [
        // It was made for the only caller, and its location with it.
        "Fat| changed core::panicking::panic_bounds_check: body",
        "changed kernel::element: body",
    ];
    check("new_bounds_check", &[edit], 1, &expected);
}

#[test]
fn constant() {
    let edit = ("kernel.rs", "STEP: u32 = 5", "STEP: u32 = 6");
    check("constant", &[edit], 1, &["changed kernel::steps: body"]);
}

#[test]
fn display_string() {
    let edit = ("dep.rs", "\"packet\"", "\"parcel\"");
    let expected = [
        "Off| changed <dep::Packet as core::fmt::Display>::fmt: constant \"parcel\"",
        "Fat| changed <&T as core::fmt::Display>::fmt<dep::Packet>: constant \"parcel\"",
    ];
    check("display_string", &[edit], 1, &expected);
}

#[test]
fn registry_entry_added() {
    let expected = [
        "new static kernel::CHECK_TICK",
        MOVED[0],
        MOVED[1],
        MOVED[2],
        MOVED[3],
        "refused[registry] kernel::CHECK_TICK",
    ];
    check("registry_entry_added", &[NEW_CHECK], 3, &expected);
}

#[test]
fn table_of_strings() {
    let edit = ("kernel.rs", "\"three\"", "\"trio\"");
    let expected = ["changed kernel::classify: constant of 48 bytes"];
    check("table_of_strings", &[edit], 1, &expected);
}

#[test]
fn read_only_static() {
    let edit = ("kernel.rs", "[1, 2, 3, 4, 9]", "[1, 2, 3, 4, 8]");
    let expected = [
        "changed kernel::entry_of_table: constant kernel::TABLE",
        "changed static kernel::TABLE: body",
    ];
    check("read_only_static", &[edit], 1, &expected);
}

#[test]
fn jump_table() {
    let edit = (
        "kernel.rs",
        "6 => value / 5,",
        "6 => value / 5, 7 => value >> 2,",
    );
    check("jump_table", &[edit], 1, &["changed kernel::jump: body"]);
}

#[test]
fn function_inlined_from_a_dependency() {
    let edit = (
        "dep.rs",
        "port.write_volatile(3)",
        "port.write_volatile(77)",
    );
    let expected = ["changed kernel::run: through inlining of dep::scale"];
    check("function_inlined_from_a_dependency", &[edit], 1, &expected);
}

#[test]
fn method_of_a_trait() {
    let edit = ("kernel.rs", "self.0 ^ by", "self.0 & by");
    let expected = ["changed <kernel::Uart as kernel::Device>::start: body"];
    check("method_of_a_trait", &[edit], 1, &expected);
}

#[test]
fn closure_body() {
    let edit = ("kernel.rs", "sum += more;", "sum -= more;");
    let expected = ["changed kernel::apply: through inlining of kernel::with_closure::{closure#0}"];
    check("closure_body", &[edit], 1, &expected);
}

#[test]
fn format_string() {
    let edit = ("kernel.rs", "{} at {} of {}\\n", "{} in {} of {}\\n");
    let expected = ["changed kernel::report: constant \" in … of \""];
    check("format_string", &[edit], 1, &expected);
}

#[test]
fn signature() {
    let edits = [
        (
            "kernel.rs",
            "fn steps(by: u32) -> u32 {",
            "fn steps(by: u64) -> u32 {",
        ),
        (
            "kernel.rs",
            "PORT.write_volatile(STEP) };\n    by\n",
            "PORT.write_volatile(STEP) };\n    (by >> 32) as u32\n",
        ),
        ("kernel.rs", "steps(x);", "steps(u64::from(x) << 7);"),
    ];
    let expected = ["changed kernel::run: body", "changed kernel::steps: body"];
    check("signature", &edits, 1, &expected);
}

#[test]
fn function_removed() {
    let edits = [("kernel.rs", "+ state(x) + steps(x)", "+ state(x)")];
    let expected = ["changed kernel::run: body", "removed kernel::steps"];
    check("function_removed", &edits, 1, &expected);
}

#[test]
fn new_monomorph() {
    let edit = (
        "kernel.rs",
        "sum += element(",
        "sum += swap(PORT.cast(), x as u16) as u32 + element(",
    );
    let expected = ["changed kernel::run: body", "new kernel::swap<u16>"];
    check("new_monomorph", &[edit], 1, &expected);
}

#[test]
fn comment() {
    let edit = (
        "kernel.rs",
        "/// A landing pad and nothing else;",
        "/// A landing pad only;",
    );
    check("comment", &[edit], 0, &[]);
}

#[test]
fn order_of_functions() {
    const BODY: &str = "#[inline(never)]\nfn steps(by: u32) -> u32 {\n    \
                        unsafe { PORT.write_volatile(STEP) };\n    by\n}\n";
    let after = format!("{BODY}\n#[inline(never)]\nfn put(");
    let edits = [
        ("kernel.rs", BODY, ""),
        ("kernel.rs", "#[inline(never)]\nfn put(", &after),
    ];
    let expected = MOVED;
    check("order_of_functions", &edits, 0, &expected);
}
