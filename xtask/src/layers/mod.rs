//! `cargo xtask layers`: no circles of imports, no imports from a lower layer to a higher one.
//!
//! For each crate of each package it parses the sources (`#[cfg(test)]` left out), resolves each
//! import and each path to the file that defines the name, and fails when
//!
//! - modules with the same parent, or files below them, import each other in a circle;
//! - a package, or a module of alt-runtime or kernel-demo, uses one that is not below it in [`rules`];
//! - a module is given by `#[path]`, or a test `x.rs` is beside its folder `x`.
//!
//! Imports between a module and its parents are allowed.

mod files;
mod imports;
mod modules;
mod names;
mod rules;
#[cfg(test)]
mod tests;

use crate::{outcome::Outcome, style};
use cargo_metadata::{MetadataCommand, Package};
use imports::Import;
use modules::Crate;
use std::collections::BTreeMap;
use test_support::workspace;

/// Judges all packages and prints the problems.
pub(crate) fn run() -> Outcome {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let mut wrong = packages(&metadata.packages, rules::PACKAGES);
    wrong.extend(files::problems(workspace())?);
    let mut count = Count::default();
    for package in &metadata.packages {
        count.packages += 1;
        for target in &package.targets {
            let krate = match Crate::read(target.src_path.as_std_path()) {
                Ok(krate) => krate,
                Err(why) => {
                    wrong.push(why.to_string());
                    continue;
                }
            };
            let name = format!("{} ({})", package.name, target.name);
            let imports = imports::imports(&krate);
            count.files += krate
                .modules
                .iter()
                .enumerate()
                .filter(|(i, m)| m.owner == *i)
                .count();
            count.imports += imports.values().map(Vec::len).sum::<usize>();
            wrong.extend(circles(&name, &krate, &imports));
            if package.name == "alt-runtime" && target.is_lib() {
                wrong.extend(upwards(&krate, &imports, rules::RUNTIME));
            }
            if package.name == "kernel-demo" && target.is_bin() {
                wrong.extend(upwards(&krate, &imports, rules::KERNEL_DEMO));
            }
        }
    }
    for problem in &wrong {
        anstream::println!("{} {problem}\n", style::bad("error:"));
    }
    let Count {
        packages,
        files,
        imports,
    } = count;
    let verdict = match wrong.len() {
        0 => style::good("ok"),
        _ => style::bad("FAILED"),
    };
    anstream::println!(
        "layers: {verdict} packages={packages} files={files} imports={imports} problems={}",
        wrong.len()
    );
    Ok(wrong.is_empty())
}

/// How much was judged.
#[derive(Default)]
struct Count {
    packages: usize,
    files: usize,
    imports: usize,
}

/// The index of the layer that has a name.
fn layer_of(layers: &[&[&str]], name: &str) -> Option<usize> {
    layers.iter().position(|layer| layer.contains(&name))
}

/// Dependencies on packages that are not in a lower layer, and packages without a layer.
fn packages(packages: &[Package], layers: &[&[&str]]) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in packages {
        let name = package.name.as_str();
        let Some(layer) = layer_of(layers, name) else {
            wrong.push(format!(
                "package {name} is in no layer of xtask/src/layers/rules.rs"
            ));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.path.is_some()) {
            if layer_of(layers, &dependency.name).is_some_and(|below| below >= layer) {
                let (kind, on) = (dependency.kind, &dependency.name);
                wrong.push(format!(
                    "{name} has a {kind} dependency on {on}, which is not below it"
                ));
            }
        }
    }
    let names = layers.iter().copied().flatten();
    let stale = names.filter(|name| !packages.iter().any(|package| package.name == **name));
    wrong.extend(stale.map(|name| format!("xtask/src/layers/rules.rs: no package {name}")));
    wrong
}

fn circles(name: &str, krate: &Crate, imports: &BTreeMap<usize, Vec<Import>>) -> Vec<String> {
    let describe = |(members, closing): (Vec<usize>, Vec<&Import>)| {
        let paths: Vec<_> = members
            .iter()
            .map(|&m| krate.modules[m].path.as_str())
            .collect();
        let mut text = format!("{name}: circle of {}", paths.join(", "));
        for import in closing {
            let [from, to] = [import.from, import.to].map(|m| &krate.modules[m].path);
            text += &format!("\n  {from} -> {to}: {import}");
        }
        text
    };
    imports::circles(imports)
        .into_iter()
        .map(describe)
        .collect()
}

/// Imports among the modules of the root that do not go to a lower layer, and modules without a
/// layer.
fn upwards(
    krate: &Crate,
    imports: &BTreeMap<usize, Vec<Import>>,
    layers: &[&[&str]],
) -> Vec<String> {
    let mut wrong = Vec::new();
    let children = krate.modules.iter().enumerate();
    for (_, module) in children.filter(|(index, m)| m.parent == Some(0) && m.owner == *index) {
        if layer_of(layers, &module.path).is_none() {
            let name = &module.path;
            wrong.push(format!(
                "module {name} is in no layer of xtask/src/layers/rules.rs"
            ));
        }
    }
    for import in imports.get(&0).into_iter().flatten() {
        let [from, to] = [import.from, import.to].map(|m| krate.modules[m].path.as_str());
        if let (Some(above), Some(below)) = (layer_of(layers, from), layer_of(layers, to))
            && below >= above
        {
            wrong.push(format!(
                "module {from} imports {to}, which is not below it\n  {import}"
            ));
        }
    }
    wrong
}
