//! The expansion of `alternative!` and `alternative_cb!`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Block, Ident};

use super::operand::Piece;
use super::parse::{Alternative, Arm, Body};
use super::statement::statements;
use super::{length, near};
use crate::{Runtime, condition};

/// Expands to the site for a kernel, and to its `host` block or default for a program on a host.
pub fn expand(input: Alternative, runtime: &Runtime) -> syn::Result<TokenStream> {
    let kernel = kernel(&input, runtime)?;
    let (arm64, elsewhere) = match &input.host {
        Some(block) => {
            let host = host(&input, block, runtime);
            (host.clone(), host)
        }
        None => (default_text(&input)?, no_host(&input)),
    };
    let checks = checks(&input, runtime);
    Ok(quote!({
        #checks
        #runtime::__alt_here!(
            kernel { #kernel } arm64 { #arm64 } elsewhere { #elsewhere }
        )
    }))
}

/// Items that check the types of callbacks.
fn checks(input: &Alternative, runtime: &Runtime) -> TokenStream {
    input
        .arms
        .iter()
        .filter_map(|arm| match &arm.body {
            Body::Callback(path) => {
                // `sym` accepts any static or function. The check is in a function, since a
                // constant cannot refer to an extern static.
                let here = Span::call_site().located_at(path.span());
                Some(quote_spanned! {here=>
                    const _: fn() -> &'static #runtime::Callback = || &#path;
                })
            }
            _ => None,
        })
        .collect()
}

/* # In a kernel */

/// One `asm!`: the default in place; each arm and its records in sections of their own. They share
/// the operands, so one register allocation suits all of them.
fn kernel(input: &Alternative, runtime: &Runtime) -> syn::Result<TokenStream> {
    let Alternative { default, arms, .. } = input;
    // Lengths that depend on alignment are known when the object is laid out.
    let is_late = default.iter().filter_map(Piece::text).any(|text| {
        let statements = statements(&text);
        statements.iter().any(|s| !s.is_elsewhere && s.aligns())
    });
    let check_default = length::check(length::DEFAULT, is_late, default[0].span());
    let default = template(input, default)?;
    let mut consts = Vec::new();
    let mut body = Vec::new();
    for (i, arm) in arms.iter().enumerate() {
        let flag = format_ident!("__alt_p{i}");
        let possible = arm.condition.possible(runtime);
        consts.push(quote!(#flag = const #possible));
        let open = format!(".if {{{flag}}}");
        let records = records(i, arm, runtime, &mut consts);
        let text = match &arm.body {
            Body::Text(text) => text,
            Body::Callback(path) => {
                let symbol = callback(i);
                consts.push(quote!(#symbol = sym #path));
                body.push(quote!(#open, #(#records,)* ".endif",));
                continue;
            }
            Body::Nops => {
                body.push(quote!(#open, #(#records,)* ".endif",));
                continue;
            }
        };
        let check = length::check(length::ARM, is_late, text[0].span());
        let (begin, end) = if near::is_short(text) {
            (
                quote!(__alt_near_replacement),
                quote!(__alt_near_replacement_end),
            )
        } else {
            (quote!(__alt_replacement), quote!(__alt_replacement_end))
        };
        let text = template(input, text)?;
        body.push(quote! {
            #open,
            #runtime::#begin!(),
            #(#text,)*
            #runtime::#end!(),
            #check,
            #(#records,)*
            ".endif",
            ".endif",
        });
    }
    let any = arms.iter().map(|arm| arm.condition.possible(runtime));
    consts.push(quote!(__alt_any = const (0 #(| #any)*)));
    let operands = input.operands.with(&consts);
    Ok(quote! {
        ::core::arch::asm!(
            #runtime::__alt_open!(),
            #(#default,)*
            #runtime::__alt_end!(),
            #check_default,
            #(#body)*
            ".if {__alt_any}",
            #runtime::__alt_plan_room!(),
            ".endif",
            ".endif",
            #runtime::__alt_close!(),
            #operands
        )
    })
}

fn template(input: &Alternative, pieces: &[Piece]) -> syn::Result<Vec<TokenStream>> {
    pieces
        .iter()
        .map(|piece| piece.template(input.operands.raw))
        .collect()
}

/// The operand that names the callback of this arm.
fn callback(arm: usize) -> Ident {
    format_ident!("__alt_f{arm}")
}

/// Emits one record for each term. For `A | B`, both terms share one replacement.
fn records(
    index: usize,
    arm: &Arm,
    runtime: &Runtime,
    consts: &mut Vec<TokenStream>,
) -> Vec<TokenStream> {
    let is_callback = !matches!(arm.body, Body::Text(_));
    let mut records = Vec::new();
    for (i, all) in arm.condition.any.iter().enumerate() {
        let flag = format_ident!("__alt_p{index}_{i}");
        let possible = condition::possible(all, runtime);
        consts.push(quote!(#flag = const #possible as u8));
        let open = format!(".if {{{flag}}}");
        records.push(quote!(#open));
        for (j, word) in condition::words(all, is_callback, runtime).enumerate() {
            let name = format_ident!("__alt_c{index}_{i}_{j}");
            let text = format!("{{{name}}}");
            consts.push(quote!(#name = const #word));
            records.push(match &arm.body {
                Body::Text(_) => quote!(#runtime::__alt_alternative_record!(#text)),
                Body::Nops => quote!(#runtime::__alt_nops_record!(#text)),
                Body::Callback(_) => {
                    let symbol = format!("{{{}}}", callback(index));
                    quote!(#runtime::__alt_callback_record!(#text, #symbol))
                }
            });
        }
        records.push(quote!(".endif"));
    }
    records
}

/* # On a host */

/// `block` in place of the site. The operands count as used, and are not evaluated.
fn host(input: &Alternative, block: &Block, runtime: &Runtime) -> TokenStream {
    // Without its braces, for which the compiler would warn.
    let statements = &block.stmts;
    let inputs = input.operands.inputs();
    let possible = input.arms.iter().map(|arm| arm.condition.possible(runtime));
    quote!({
        const { let _ = (#(#possible,)*); }
        if false { #(let _ = #inputs;)* }
        // Requires `unsafe`, as the site does in a kernel.
        #runtime::__private::in_place_of_asm();
        #(#statements)*
    })
}

/// The default, on a host that executes A64. The assembler skips the arms; they are included because
/// they use operands.
fn default_text(input: &Alternative) -> syn::Result<TokenStream> {
    let default = template(input, &input.default)?;
    let mut arms = Vec::new();
    for arm in &input.arms {
        if let Body::Text(text) = &arm.body {
            arms.extend(template(input, text)?);
        }
    }
    let operands = input.operands.with(&[]);
    Ok(quote! {
        ::core::arch::asm!(#(#default,)* ".if 0", #(#arms,)* ".endif", #operands)
    })
}

/// The error if the host cannot execute A64 and there is no `host` block.
fn no_host(input: &Alternative) -> TokenStream {
    let message = "these are A64 instructions, and this program is for another architecture: add `host => { … }` after the arms, with what runs there, or leave the site out by `#[cfg(target_arch = \"aarch64\")]`";
    quote_spanned!(input.default[0].span()=> ::core::compile_error!(#message))
}
