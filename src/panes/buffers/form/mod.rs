pub(crate) mod commands;
use ratatui::{buffer::Buffer, layout::Rect};
use crate::{app::{ctx::{Ctx,ViewCtx},effect::Effect,message::Msg},commands::spec::Situation,model::command::Args};
#[derive(Default)]
pub(super) struct Form { pub(super) open: bool }
impl Form {
    pub(super) fn show(&mut self, _: &str, _: &Ctx) -> Vec<Effect> { Vec::new() }
    pub(super) fn update(&mut self, _: &Msg, _: &Ctx) -> Vec<Effect> { Vec::new() }
    pub(super) fn command(&mut self, _: &'static str, _: &Args, _: &Ctx) -> Option<Vec<Effect>> { None }
    pub(super) fn mouse(&mut self, _: (u16,u16), _: i16) -> Vec<Effect> { Vec::new() }
    pub(super) fn situation() -> Situation { Situation::default() }
    pub(super) fn crumbs(&self) -> Vec<String> { Vec::new() }
    pub(super) fn draw(&self, _: &mut Buffer, _: Rect, _: &ViewCtx<'_>) {}
}
