//! `alternative!`: instructions, and what they become under a condition.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream};
use syn::{LitStr, Token};

use crate::condition::{self, Condition};
use crate::operand::{self, Operands, Piece};

/// `CAP => "…", "…"`
struct Arm {
    condition: Condition,
    text: Vec<Piece>,
}

/// The default instructions, the arms, and the operands that all of them share.
pub struct Alternative {
    default: Vec<Piece>,
    arms: Vec<Arm>,
    operands: Operands,
}

impl Parse for Alternative {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let mut default = Vec::new();
        let mut arms: Vec<Arm> = Vec::new();
        let mut operands = Operands::default();
        let mut in_operands = false;
        while !input.is_empty() {
            if operand::peek(input) {
                in_operands = true;
                operands.parse_one(input)?;
            } else if in_operands {
                return Err(input.error("instructions and arms come before the operands"));
            } else if let Some((condition, arrow)) = parse_head(input)? {
                if input.is_empty() || input.peek(Token![,]) {
                    return Err(syn::Error::new(arrow, EMPTY_ARM));
                }
                let text = vec![input.parse()?];
                arms.push(Arm { condition, text });
            } else {
                let piece = input.parse()?;
                arms.last_mut().map_or(&mut default, |arm| &mut arm.text).push(piece);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Self { default, arms, operands }.validate()
    }
}

const EMPTY_ARM: &str = "this arm has no instructions: to replace the default by nothing write `\"nop\"`";

/// `CONDITION =>`, if that is what comes next.
fn parse_head(input: ParseStream) -> syn::Result<Option<(Condition, Span)>> {
    if input.peek(LitStr) {
        return Ok(None);
    }
    let ahead = input.fork();
    let condition = ahead.parse::<Condition>();
    if condition.is_ok() && ahead.peek(Token![!]) {
        return Ok(None); // a macro call such as `concat!("…")`
    }
    // Not an expression of any kind a template could be: the head is at fault.
    let condition = condition?;
    if !ahead.peek(Token![=>]) {
        return Err(ahead.error("expected `=>` and instructions after the condition of an arm"));
    }
    let arrow: Token![=>] = ahead.parse()?;
    input.advance_to(&ahead);
    Ok(Some((condition, arrow.spans[0])))
}

impl Alternative {
    fn validate(self) -> syn::Result<Self> {
        if self.default.iter().all(Piece::is_blank) {
            return Err(syn::Error::new(
                self.default.first().map_or_else(Span::call_site, Piece::span),
                "the default instructions are missing: they come first, and run until the patch and wherever no arm applies",
            ));
        }
        if self.arms.is_empty() {
            return Err(syn::Error::new(
                Span::call_site(),
                "there is no arm: add `CAP => \"instructions\"`, or use `asm!`",
            ));
        }
        for arm in &self.arms {
            if arm.text.iter().all(Piece::is_blank) {
                return Err(syn::Error::new(arm.text[0].span(), EMPTY_ARM));
            }
        }
        Ok(self)
    }
}

/// Expands to one `asm!`: the default in place; each arm and its records in
/// sections beside it. All share the operands, so the register allocator serves
/// every variant.
pub fn expand(input: Alternative) -> syn::Result<TokenStream> {
    let Alternative { default, arms, operands } = input;
    let template = |pieces: &[Piece]| -> syn::Result<Vec<TokenStream>> {
        pieces.iter().map(|piece| piece.template(operands.raw)).collect()
    };
    let default = template(&default)?;
    let mut consts = Vec::new();
    let mut body = Vec::new();
    for (i, arm) in arms.iter().enumerate() {
        let flag = format_ident!("__alt_p{i}");
        let possible = arm.condition.possible();
        consts.push(quote!(#flag = const #possible));
        let open = format!(".if {{{flag}}}");
        let text = template(&arm.text)?;
        let checks = length_checks(arm.text[0].span());
        let records = records(i, &arm.condition, &mut consts);
        body.push(quote! {
            #open,
            ::alt_runtime::__alt_replacement!(),
            #(#text,)*
            ::alt_runtime::__alt_replacement_end!(),
            #checks
            #(#records,)*
            ".endif",
        });
    }
    let any = arms.iter().map(|arm| arm.condition.possible());
    consts.push(quote!(__alt_any = const (0 #(| #any)*)));
    let operands = operands.with(consts);

    Ok(quote! {
        ::core::arch::asm!(
            ::alt_runtime::__alt_open!(),
            #(#default,)*
            ::alt_runtime::__alt_end!(),
            #(#body)*
            ".if {__alt_any}",
            ::alt_runtime::__alt_plan_room!(),
            ".endif",
            ::alt_runtime::__alt_close!(),
            #operands
        )
    })
}

/// One record for each term; `A | B` is two runs of records of one replacement.
fn records(arm: usize, condition: &Condition, consts: &mut Vec<TokenStream>) -> Vec<TokenStream> {
    let mut records = Vec::new();
    for (i, all) in condition.any.iter().enumerate() {
        let flag = format_ident!("__alt_p{arm}_{i}");
        let possible = condition::possible(all);
        consts.push(quote!(#flag = const #possible as u8));
        let open = format!(".if {{{flag}}}");
        records.push(quote!(#open));
        for (j, word) in condition::words(all, false).enumerate() {
            let name = format_ident!("__alt_c{arm}_{i}_{j}");
            let text = name.to_string();
            consts.push(quote!(#name = const #word));
            records.push(quote!(::alt_runtime::__alt_alternative_record!(#text)));
        }
        records.push(quote!(".endif"));
    }
    records
}

/// Length errors, found by the assembler (only it knows what a line becomes)
/// and reported at the arm, whose span these lines carry.
fn length_checks(arm: Span) -> TokenStream {
    let check = |condition: &str, message: &str| {
        let text = format!(
            ".if {condition}\n\
             .macro __alt_error new, old\n\
             .error \"{message}\"\n\
             .endm\n\
             .altmacro\n\
             __alt_error %((9064b - 9063b) / 4), %((9062b - 9061b) / 4)\n\
             .noaltmacro\n\
             .purgem __alt_error\n\
             .endif"
        );
        LitStr::new(&text, arm)
    };
    let longer = check(
        "(9064b - 9063b) > (9062b - 9061b)",
        "this arm is longer than the default: \\new instructions for a site of \\old; pad the default with `nop` or shorten the arm",
    );
    let empty = check(
        "(9064b - 9063b) == 0",
        "this arm has no instructions: to replace the default by nothing write `nop`",
    );
    let long = check(
        "(9062b - 9061b) > 1020",
        "the default has \\old instructions, more than the 255 of a site: move them into a function and make the site a branch",
    );
    quote!(#longer, #empty, #long,)
}
