//! Every page rendered, and held against the printed procedure.

mod catalogue;
mod consent;
mod document;
mod examples;
mod linkages;
mod markup;
mod procedure;
mod screens;
