//! The layers of the workspace: which package, and which module of alt-runtime and kernel-demo, may
//! use which.
//!
//! The same layers as in ARCHITECTURE.md. Each line may use the lines above it, and members of one
//! line do not use each other.

/// The packages, by normal, build and dev dependencies.
pub(super) const PACKAGES: &[&[&str]] = &[
    // Test support depends on none of the others, so that each of them can test with it.
    &["test-support"],
    // Data about CPUs: ID registers, MIDR ranges, scopes.
    &["alt-cpu"],
    // The reader of cpucaps.toml.
    &["alt-cpucaps"],
    // The packages that a kernel links.
    &["alt-macros"],
    &["alt-runtime"],
    // The host: images, the verifier, the library of build scripts, the program `alt`.
    // Findings; inputs of a link.
    &["alt-diagnostic", "alt-object"],
    &["alt-image"],
    &["alt-linker"],
    &["alt-finish"],
    &["alt-verify"],
    &["alt-livepatch"],
    // The random changes of an image that the verifier must report.
    &["alt-mutate"],
    // The functions of the fuzz targets, which the tests of the programs call as well.
    &["fuzz-targets"],
    &["alt-tool"],
    // Guests, and the observers of guests.
    &[
        "coherence",
        "el2-monitor",
        "demo-hyp",
        "demo-module",
        "demo-object",
        "flat-guest",
    ],
    &[
        "coherence-plugin",
        "kernel-demo",
        "bench-guest",
        "minimal-guest",
        "shadow-guest",
        "two-passes",
    ],
    &["quickstart", "higher-half", "relocatable"],
    // The harness that boots guests, and the packages that use it.
    &["qemu-tests"],
    &["doc-snippets", "xtask"],
];

/// The modules of the root of alt-runtime.
pub(super) const RUNTIME: &[&[&str]] = &[
    // The texts of errors.
    &["message"],
    // A64 words.
    &["insn"],
    // Memory for a plan.
    &["room"],
    // Cpucaps and ID registers.
    &["cap"],
    &["callback"],
    // The layout of the tables, and those of one image.
    &["record"],
    &["region"],
    // The tables that a host tool makes.
    &["finished"],
    // Stores, cache maintenance, the loop that waits.
    &["arch"],
    // Plan, commit, verify.
    &["patch"],
    &["image", "pointers", "rendezvous", "shadow_call_stack"],
    // The phases.
    &["boot"],
    // The numbers of errors.
    &["code"],
    // Functions replaced while the kernel runs.
    &["livepatch"],
    // The macros of sites and tables.
    &["macros"],
    // The same for assembly.
    &["assembly"],
    // Helpers that a compiler calls, written by those macros.
    &["atomics"],
];

/// The modules of the root of kernel-demo: the kernel below, its tests above.
pub(super) const KERNEL_DEMO: &[&[&str]] = &[
    &["platform"],
    &["features"],
    &["hyp", "module"],
    &["smp"],
    &["livepatch"],
    &["report"],
    &["checks"],
    &["boot"],
];
