//! The condition of an arm: cpucaps with `!`, `&` and `|`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Path, Token, token};

use crate::Runtime;

/// One cpucap that must be present or, if negated, absent.
pub struct Term {
    pub negated: bool,
    pub cap: Path,
}

/// Alternatives of conjunctions: `A & !B | C` is true if one of them is.
pub struct Condition {
    pub any: Vec<Vec<Term>>,
}

impl Parse for Term {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let negated = input.parse::<Option<Token![!]>>()?.is_some();
        if input.peek(token::Paren) {
            return Err(input.error(
                "parentheses are not supported in a condition: write it as alternatives of conjunctions, `A & !B | C`",
            ));
        }
        let cap = input
            .parse()
            .map_err(|e| syn::Error::new(e.span(), "expected the name of a cpucap"))?;
        Ok(Self { negated, cap })
    }
}

impl Term {
    /// The term after the token at `before`. If there is none, the error is at that token.
    fn parse_after(before: Span, input: ParseStream) -> syn::Result<Self> {
        if input.is_empty() {
            return Err(syn::Error::new(
                before,
                "expected the name of a cpucap after this",
            ));
        }
        input.parse()
    }

    /// The cpucap as a typed expression. The expansion has it several times; the compiler reports
    /// equal errors once.
    fn cap(&self, runtime: &Runtime) -> TokenStream {
        let cap = &self.cap;
        // Located at the cpucap, but resolved at the call site, so that lints do not apply.
        let here = Span::call_site().located_at(cap.span());
        quote_spanned!(here=> const { let cap: #runtime::cap::Cap = #cap; cap })
    }
}

impl Condition {
    /// The condition after the token at `before`.
    pub fn parse_after(before: Span, input: ParseStream) -> syn::Result<Self> {
        let mut any = vec![vec![Term::parse_after(before, input)?]];
        loop {
            if input.peek(Token![&&]) || input.peek(Token![||]) {
                return Err(input.error("write a single `&` or `|` between cpucaps"));
            } else if let Some(and) = input.parse::<Option<Token![&]>>()? {
                let term = Term::parse_after(and.span(), input)?;
                any.last_mut().expect("never empty").push(term);
            } else if let Some(or) = input.parse::<Option<Token![|]>>()? {
                any.push(vec![Term::parse_after(or.span(), input)?]);
            } else {
                return Ok(Self { any });
            }
        }
    }

    /// A `const` expression: 1 if the condition can be true in the kernel's configuration, else 0.
    pub fn possible(&self, runtime: &Runtime) -> TokenStream {
        let any = self.any.iter().map(|all| possible(all, runtime));
        quote!((false #(|| #any)*) as u8)
    }
}

/// A `const` bool: whether all terms of `all` can be true in the kernel's configuration.
///
/// A negated term always can: an impossible cpucap is absent.
pub fn possible(all: &[Term], runtime: &Runtime) -> TokenStream {
    let terms = all.iter().filter(|term| !term.negated).map(|term| {
        let cap = term.cap(runtime);
        quote!(#cap.is_possible())
    });
    quote!((true #(&& #terms)*))
}

/// The record's condition words for `all`, in order, as `const` expressions; `kind`
/// is their bit 15.
pub fn words(all: &[Term], kind: bool, runtime: &Runtime) -> impl Iterator<Item = TokenStream> {
    all.iter().enumerate().map(move |(i, term)| {
        let cap = term.cap(runtime);
        let negated = term.negated;
        let and_next = i + 1 < all.len();
        quote!(#runtime::record::Condition::bits(#cap, #negated, #and_next, #kind))
    })
}
