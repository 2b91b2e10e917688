//! Every page of the console rendered.

mod examples;
mod markup;
mod partner_examples;
mod screens;
