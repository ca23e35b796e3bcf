//! `cpu_has_cap!`: a branch on a condition, one instruction in the text.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::Ident;
use syn::parse::{Parse, ParseStream};

use crate::Runtime;
use crate::condition::{self, Condition};

/// `likely A & !B`
pub struct HasCap {
    likely: bool,
    condition: Condition,
}

impl Parse for HasCap {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let advice = "write `likely` or `unlikely` before the cpucap: `cpu_has_cap!(unlikely CAP)`";
        let hint: Ident = input
            .parse()
            .map_err(|e| syn::Error::new(e.span(), advice))?;
        let likely = match hint.to_string().as_str() {
            "likely" => true,
            "unlikely" => false,
            _ => return Err(syn::Error::new(hint.span(), advice)),
        };
        let condition = Condition::parse_after(hint.span(), input)?;
        if !input.is_empty() {
            return Err(input.error("expected `&`, `|` or nothing more after a cpucap"));
        }
        Ok(Self { likely, condition })
    }
}

/// The unpatched site is `false`: a NOP that falls through to it (`unlikely`), or a B to it
/// (`likely`). The patcher replaces one by the other, so that the expected value is the one that
/// falls through.
pub fn expand(input: HasCap, runtime: &Runtime) -> TokenStream {
    let HasCap { likely, condition } = input;
    let site = if likely { "b {__alt_to}" } else { "nop" };
    let (taken, fallen) = (!likely, likely);

    let mut records = Vec::new();
    let mut operands = Vec::new();
    for (i, all) in condition.any.iter().enumerate() {
        let flag = format_ident!("__alt_p{i}");
        let possible = condition::possible(all, runtime);
        operands.push(quote!(#flag = const #possible as u8));
        let open = format!(".if {{{flag}}}");
        records.push(quote!(#open));
        for (j, word) in condition::words(all, likely, runtime).enumerate() {
            let name = format_ident!("__alt_c{i}_{j}");
            let text = format!("{{{name}}}");
            operands.push(quote!(#name = const #word));
            records.push(quote!(
                #runtime::__alt_branch_record!(#text, "{__alt_to}")
            ));
        }
        records.push(quote!(".endif"));
    }
    let possible = condition.possible(runtime);

    let kernel = quote! {
        // A constant if the condition is impossible in this configuration.
        if const { #possible != 0 } {
            '__alt: {
                // SAFETY: one NOP, or one B to the label below, and its records in sections of
                // their own. The patcher only replaces one of the two by the other.
                unsafe {
                    ::core::arch::asm!(
                        #runtime::__alt_open!(),
                        #site,
                        #runtime::__alt_end!(),
                        #(#records,)*
                        #runtime::__alt_plan_room!(),
                        #runtime::__alt_close!(),
                        #(#operands,)*
                        __alt_to = label { break '__alt #taken },
                        // Never `pure`: LLVM would merge a check before the
                        // pass with one after it.
                        options(nomem, nostack, preserves_flags),
                    );
                }
                #fallen
            }
        } else {
            false
        }
    };
    // The text of a host is never patched.
    let host = quote!({ const { let _ = #possible; } false });
    quote!(#runtime::__alt_here! { kernel { #kernel } arm64 { #host } elsewhere { #host } })
}
