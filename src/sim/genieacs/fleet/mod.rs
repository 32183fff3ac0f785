//! The CPEs that the ACS knows.

pub(crate) mod cpe;
mod layout;
pub(crate) mod models;
pub(crate) mod render;
pub(crate) mod source;
pub(crate) mod template;
pub(crate) mod view;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

pub(crate) use cpe::{Cpe, Line, Phase, Poke};
pub(crate) use layout::{INFORM_S, Plan, anew, seeded};
use models::MODELS;
use template::Template;
use view::View;

/// All CPEs, found by place and by id.
#[derive(Debug)]
pub(crate) struct Fleet {
    cpes: Vec<Option<Cpe>>,
    by_id: HashMap<Box<str>, u32>,
    templates: Vec<Template>,
}

impl Fleet {
    pub(crate) fn new(virtuals: bool) -> Self {
        let templates = MODELS.iter().map(|m| Template::build(m, virtuals)).collect();
        Self { cpes: Vec::new(), by_id: HashMap::new(), templates }
    }

    pub(crate) fn insert(&mut self, cpe: Cpe) -> u32 {
        let at = self.cpes.len() as u32;
        self.by_id.insert(cpe.id().into(), at);
        self.cpes.push(Some(cpe));
        at
    }

    pub(crate) fn remove(&mut self, at: u32) -> Option<Cpe> {
        let cpe = self.cpes.get_mut(at as usize)?.take()?;
        self.by_id.remove(cpe.id().as_str());
        Some(cpe)
    }

    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }

    /// The CPE with a serial number, whatever its model.
    pub(crate) fn with_serial(&self, serial: &str) -> Option<u32> {
        MODELS.iter().find_map(|m| self.find(&cpe::device_id(m.oui, m.product, serial)))
    }

    pub(crate) fn get(&self, at: u32) -> Option<&Cpe> {
        self.cpes.get(at as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut Cpe> {
        self.cpes.get_mut(at as usize)?.as_mut()
    }

    /// A CPE that may be changed, and the tree of its model.
    pub(crate) fn both(&mut self, at: u32) -> Option<(&mut Cpe, &Template)> {
        let cpe = self.cpes.get_mut(at as usize)?.as_mut()?;
        let template = self.templates.get(usize::from(cpe.model))?;
        Some((cpe, template))
    }

    pub(crate) fn view(&self, at: u32) -> Option<View<'_>> {
        let cpe = self.get(at)?;
        Some(View { cpe, template: self.template(cpe.model)? })
    }

    pub(crate) fn template(&self, model: u8) -> Option<&Template> {
        self.templates.get(usize::from(model))
    }

    /// Places that were ever given out.
    pub(crate) fn places(&self) -> u32 {
        self.cpes.len() as u32
    }

    pub(crate) fn each(&self) -> impl Iterator<Item = (u32, View<'_>)> {
        (0..self.places()).filter_map(|at| Some((at, self.view(at)?)))
    }
}
