//! From the table to Rust.

use std::fmt;

use alt_cpucaps::{Cap, Fixed, MidrRange, Revision, Rule, Table, word};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use crate::call::Runtime;

/// One constant per cap, and the table.
pub fn expand(table: &Table, runtime: &Runtime) -> TokenStream {
    let constants = table
        .caps
        .iter()
        .enumerate()
        .map(|(number, cap)| constant(number, cap, runtime));
    let entries = table.caps.iter().map(|cap| entry(cap, table, runtime));
    quote! {
        #(#constants)*

        /// Every cpucap, by number.
        pub static TABLE: #runtime::cap::CapTable = {
            const ENTRIES: &[#runtime::cap::CapInfo] = &[#(#entries),*];
            #runtime::cap::CapTable::new(ENTRIES)
        };
    }
}

fn constant(number: usize, cap: &Cap, runtime: &Runtime) -> TokenStream {
    let name = format_ident!("{}", cap.name);
    let number = number as u16;
    let possible = match &cap.cfg {
        Some(predicate) => cfg(predicate),
        None => quote!(true),
    };
    let doc = format!(
        "{}\n\nScope {}, {}. Detected by: {}.",
        cap.doc,
        word(cap.scope),
        word(cap.kind),
        describe(&cap.rule)
    );
    quote! {
        #[doc = #doc]
        pub const #name: #runtime::cap::Cap = #runtime::cap::Cap::new(#number, #possible);
    }
}

fn entry(cap: &Cap, table: &Table, runtime: &Runtime) -> TokenStream {
    let Cap { name, doc, .. } = cap;
    let ident = format_ident!("{name}");
    let scope = variant(cap.scope);
    let kind = variant(cap.kind);
    let rule = rule(&cap.rule, runtime);
    let scope = quote!(#runtime::cap::Scope::#scope);
    let kind = quote!(#runtime::cap::Kind::#kind);
    let late = match cap.late {
        Some(late) => {
            let late = variant(late);
            quote!(#runtime::cap::LatePolicy::#late)
        }
        None => quote!(#runtime::cap::LatePolicy::default_for(#scope, #kind)),
    };
    let names = |numbers: &[usize]| -> Vec<_> {
        numbers
            .iter()
            .map(|number| format_ident!("{}", table.caps[*number].name))
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

fn rule(rule: &Rule, runtime: &Runtime) -> TokenStream {
    let path = quote!(#runtime::cap::Rule);
    match rule {
        Rule::Always => quote!(#path::Always),
        Rule::Field { field, min, max } => {
            let register = format_ident!("{}", field.register.name());
            let name = format_ident!("{}", field.name);
            quote!(#path::Field {
                field: &#runtime::cap::idregs::fields::#register::#name,
                min: #min,
                max: #max,
            })
        }
        Rule::Midr(ranges) => {
            let ranges = ranges.iter().map(|range| self::range(range, runtime));
            quote!(#path::Midr(&[#(#ranges),*]))
        }
        Rule::Any(rules) => {
            let rules = rules.iter().map(|rule| self::rule(rule, runtime));
            quote!(#path::Any(&[#(#rules),*]))
        }
        Rule::All(rules) => {
            let rules = rules.iter().map(|rule| self::rule(rule, runtime));
            quote!(#path::All(&[#(#rules),*]))
        }
        Rule::Not(rule) => {
            let rule = self::rule(rule, runtime);
            quote!(#path::Not(&#rule))
        }
        Rule::Custom(function) => {
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
        Some(Fixed { revision, bit }) => {
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

/// The rule in words, for the constant's documentation.
fn describe(rule: &Rule) -> String {
    let list = |rules: &[Rule], glue: &str| {
        let rules: Vec<String> = rules.iter().map(describe).collect();
        format!("({})", rules.join(glue))
    };
    match rule {
        Rule::Always => "always".to_owned(),
        Rule::Field { field, min, max } if min == max => format!("`{field}` = {min}"),
        Rule::Field { field, min, max } if *max == field.max_value() => {
            format!("`{field}` >= {min}")
        }
        Rule::Field { field, min, max } => format!("`{field}` from {min} to {max}"),
        Rule::Midr(ranges) => {
            let ranges: Vec<String> = ranges.iter().map(describe_range).collect();
            format!("`MIDR_EL1` of {}", ranges.join(" or "))
        }
        Rule::Any(rules) => list(rules, " or "),
        Rule::All(rules) => list(rules, " and "),
        Rule::Not(rule) => format!("not {}", describe(rule)),
        Rule::Custom(function) => format!("`{}()`", name(&tokens(function))),
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
        Some(Fixed { revision, bit }) => {
            format!(
                " (r{}p{}: not if `REVIDR_EL1`\\[{bit}\\])",
                revision.variant, revision.revision
            )
        }
        None => String::new(),
    };
    format!(
        "implementer {implementer:#x} part {part:#x} r{}p{} to r{}p{}{fixed}",
        from.variant, from.revision, to.variant, to.revision
    )
}

/// The variants of the model are named like those of `alt_runtime::cap`.
fn variant(value: impl fmt::Debug) -> Ident {
    format_ident!("{}", format!("{value:?}"))
}

fn name(function: &TokenStream) -> String {
    function.to_string().replace(' ', "")
}

/// Whether a cfg predicate holds in the crate that has the file.
pub fn cfg(predicate: &str) -> TokenStream {
    let predicate = tokens(predicate);
    quote!(::core::cfg!(#predicate))
}

/// Rust that stands in the file. It has been parsed before, so that there is no error.
fn tokens(text: &str) -> TokenStream {
    syn::parse_str(text).unwrap_or_else(syn::Error::into_compile_error)
}
