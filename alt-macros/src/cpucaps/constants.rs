//! The constant of each cpucap, and the table.

use alt_cpu::{CapKind, LatePolicy, MidrRange, RevidrFix, Revision, Scope};
use alt_cpucaps::{Cpucap, Cpucaps, Detect};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::Runtime;

/// Expands to one constant per cpucap, and the table.
pub fn expand(cpucaps: &Cpucaps, runtime: &Runtime) -> TokenStream {
    let constants = cpucaps
        .caps
        .iter()
        .enumerate()
        .map(|(number, cap)| constant(number, cap, runtime));
    let entries = cpucaps.caps.iter().map(|cap| entry(cap, cpucaps, runtime));
    quote! {
        #(#constants)*

        /// The cpucaps, by number.
        #[cfg_attr(target_os = "none", unsafe(link_section = ".rodata.alt_cap_table"))]
        pub static TABLE: #runtime::cap::CapTable =
            #runtime::cap_table!(&[#(#entries),*]);
    }
}

fn constant(number: usize, cap: &Cpucap, runtime: &Runtime) -> TokenStream {
    let name = format_ident!("{}", cap.name);
    let number = number as u16;
    let possible = match &cap.cfg {
        Some(predicate) => cfg(predicate),
        None => quote!(true),
    };
    let doc = format!(
        "{}\n\nScope {}, {}. Detected by: {}.",
        cap.doc,
        cap.scope,
        cap.kind,
        describe(&cap.detect)
    );
    quote! {
        #[doc = #doc]
        pub const #name: #runtime::cap::Cap = #runtime::cap::Cap::new(#number, #possible);
    }
}

fn entry(cap: &Cpucap, cpucaps: &Cpucaps, runtime: &Runtime) -> TokenStream {
    let Cpucap { name, doc, .. } = cap;
    let ident = format_ident!("{name}");
    let scope = scope(cap.scope, runtime);
    let kind = kind(cap.kind, runtime);
    let rule = rule(&cap.detect, runtime);
    let late = late(cap.late, runtime);
    let names = |numbers: &[usize]| -> Vec<_> {
        numbers
            .iter()
            .map(|number| format_ident!("{}", cpucaps.caps[*number].name))
            .collect()
    };
    let requires = names(&cap.requires);
    let conflicts = names(&cap.conflicts);
    quote! {
        #runtime::cap::CapInfo {
            cap: #ident,
            name: #name,
            doc: #doc,
            scope: #scope,
            kind: #kind,
            rule: #rule,
            late: #late,
            requires: &[#(#requires),*],
            conflicts: &[#(#conflicts),*],
        }
    }
}

fn scope(scope: Scope, runtime: &Runtime) -> TokenStream {
    match scope {
        Scope::Boot => quote!(#runtime::cap::Scope::Boot),
        Scope::System => quote!(#runtime::cap::Scope::System),
        Scope::Local => quote!(#runtime::cap::Scope::Local),
    }
}

fn kind(kind: CapKind, runtime: &Runtime) -> TokenStream {
    match kind {
        CapKind::Feature => quote!(#runtime::cap::CapKind::Feature),
        CapKind::Erratum => quote!(#runtime::cap::CapKind::Erratum),
    }
}

fn late(late: LatePolicy, runtime: &Runtime) -> TokenStream {
    let variant = match late {
        LatePolicy::LocalErratum => quote!(LocalErratum),
        LatePolicy::SystemFeature => quote!(SystemFeature),
        LatePolicy::WeakLocalFeature => quote!(WeakLocalFeature),
        LatePolicy::EarlyLocalFeature => quote!(EarlyLocalFeature),
        LatePolicy::BootRestrictedLocalFeature => quote!(BootRestrictedLocalFeature),
        LatePolicy::StrictBootFeature => quote!(StrictBootFeature),
        LatePolicy::BootFeature => quote!(BootFeature),
    };
    quote!(#runtime::cap::LatePolicy::#variant)
}

/// The rule of the runtime for this condition.
fn rule(condition: &Detect, runtime: &Runtime) -> TokenStream {
    let path = quote!(#runtime::cap::Rule);
    let list =
        |parts: &[Detect]| -> Vec<_> { parts.iter().map(|part| rule(part, runtime)).collect() };
    match condition {
        Detect::Always => quote!(#path::Always),
        Detect::Field { field, min, max } => {
            let register = format_ident!("{}", field.register.name());
            let name = format_ident!("{}", field.name);
            quote!(#path::Field {
                field: &#runtime::cap::idregs::fields::#register::#name,
                min: #min,
                max: #max,
            })
        }
        Detect::Midr(ranges) => {
            let ranges = ranges.iter().map(|range| self::range(range, runtime));
            quote!(#path::Midr(&[#(#ranges),*]))
        }
        Detect::Any(rules) => {
            let rules = list(rules);
            quote!(#path::Any(&[#(#rules),*]))
        }
        Detect::All(rules) => {
            let rules = list(rules);
            quote!(#path::All(&[#(#rules),*]))
        }
        Detect::Not(rule) => {
            let rule = self::rule(rule, runtime);
            quote!(#path::Not(&#rule))
        }
        Detect::Custom(function) => {
            let function = tokens(function);
            let name = name(&function);
            quote!(#path::Custom { name: #name, test: #function })
        }
    }
}

fn range(range: &MidrRange, runtime: &Runtime) -> TokenStream {
    let MidrRange {
        implementer, part, ..
    } = range;
    let from = revision(range.from, runtime);
    let to = revision(range.to, runtime);
    let fixed = match &range.fixed {
        Some(RevidrFix { revision, bit }) => {
            let revision = self::revision(*revision, runtime);
            quote!(::core::option::Option::Some(#runtime::cap::RevidrFix {
                revision: #revision,
                bit: #bit,
            }))
        }
        None => quote!(::core::option::Option::None),
    };
    quote! {
        #runtime::cap::MidrRange {
            implementer: #implementer,
            part: #part,
            from: #from,
            to: #to,
            fixed: #fixed,
        }
    }
}

fn revision(Revision { variant, revision }: Revision, runtime: &Runtime) -> TokenStream {
    quote!(#runtime::cap::Revision { variant: #variant, revision: #revision })
}

/// The condition in Markdown, for the documentation of the constant.
fn describe(condition: &Detect) -> String {
    let list = |parts: &[Detect], separator: &str| {
        let parts: Vec<String> = parts.iter().map(describe).collect();
        format!("({})", parts.join(separator))
    };
    match condition {
        Detect::Always => "always".to_owned(),
        Detect::Field { field, min, max } if min == max => format!("`{field}` = {min}"),
        Detect::Field { field, min, max } if *max == field.max_value() => {
            format!("`{field}` >= {min}")
        }
        Detect::Field { field, min, max } => format!("`{field}` from {min} to {max}"),
        Detect::Midr(ranges) => {
            let ranges: Vec<String> = ranges.iter().map(describe_range).collect();
            format!("`MIDR_EL1` of {}", ranges.join(" or "))
        }
        Detect::Any(rules) => list(rules, " or "),
        Detect::All(rules) => list(rules, " and "),
        Detect::Not(rule) => format!("not {}", describe(rule)),
        Detect::Custom(function) => format!("`{}()`", name(&tokens(function))),
    }
}

fn describe_range(range: &MidrRange) -> String {
    let MidrRange {
        implementer,
        part,
        from,
        to,
        fixed,
    } = range;
    let fixed = match fixed {
        Some(RevidrFix { revision, bit }) => {
            format!(" ({revision}: not if `REVIDR_EL1`\\[{bit}\\])")
        }
        None => String::new(),
    };
    format!("implementer {implementer:#x} part {part:#x} {from} to {to}{fixed}")
}

fn name(function: &TokenStream) -> String {
    function.to_string().replace(' ', "")
}

/// An expression that is true if the cfg predicate is true in the crate that has the file.
pub fn cfg(predicate: &str) -> TokenStream {
    let predicate = tokens(predicate);
    quote!(::core::cfg!(#predicate))
}

/// Rust source from the file. `alt_cpucaps::check` has parsed it, so this does not fail.
fn tokens(text: &str) -> TokenStream {
    syn::parse_str(text).unwrap_or_else(syn::Error::into_compile_error)
}
