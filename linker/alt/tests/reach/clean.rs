//! Code that compilers made for kernels has no findings. kernel-demo is linked by way of alt-ld in
//! `cargo xtask verify`.

use std::path::PathBuf;

use test_support::{Cross, TARGET};

use crate::link::{Link, check, succeed};

#[test]
fn prebuilt_libraries_and_alt_runtime() {
    let test = "prebuilt_libraries_and_alt_runtime";
    let Some(link) = Link::new(test) else { return };
    let print = ["--print=target-libdir"];
    let libraries = PathBuf::from(succeed(link.rustc().args(print)).trim());
    assert!(libraries.ends_with(format!("{TARGET}/lib")));
    let entries = libraries
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut rlibs: Vec<_> = entries
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "rlib")
        })
        .collect();
    assert!(
        rlibs.len() >= 3,
        "core, alloc, compiler_builtins: {rlibs:?}"
    );
    rlibs.push(alt_runtime(&Cross::new(test).unwrap()));
    let rlibs: Vec<_> = rlibs.iter().map(PathBuf::as_path).collect();
    let report = check(&rlibs);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert!(report.objects > 100, "{}", report.objects);
    assert!(report.not_checked.is_empty(), "{:?}", report.not_checked);
}

/// Where rustc is told to find it.
fn alt_runtime(cross: &Cross) -> PathBuf {
    let rustc = cross.rustc();
    let arguments = rustc.get_args().filter_map(|argument| argument.to_str());
    let mut paths = arguments.filter_map(|text| text.strip_prefix("--extern=alt_runtime="));
    paths.next().unwrap().into()
}
