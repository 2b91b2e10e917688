//! A form of a page, filled in and sent.

use scraper::{ElementRef, Html};
use url::Url;

use super::browser::{Browser, BrowserError, Method};
use super::page::Page;
use super::visible_text;

/// A form as a user sees it: its own values first, then what is changed. A clone is the same form
/// of the same page, so that one form can be sent twice or side by side.
#[derive(Clone)]
pub struct Form {
    page: Page,
    action: Url,
    method: Method,
    controls: Vec<Control>,
    buttons: Vec<Button>,
    pressed: Option<(String, String)>,
}

/// One option of a set of check boxes or radio buttons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its value.
    pub value: String,
    /// Whether it is chosen now.
    pub chosen: bool,
}

#[derive(Clone)]
struct Control {
    name: String,
    value: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Value,
    Checkbox(State),
    Radio(State),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Chosen,
    Open,
}

#[derive(Clone)]
struct Button {
    id: Option<String>,
    pair: Option<(String, String)>,
    text: String,
    action: Option<Url>,
}

impl Form {
    pub(crate) fn read(
        page: &Page,
        document: &Html,
        form: ElementRef<'_>,
    ) -> Result<Self, BrowserError> {
        let resolve = |address: &str| {
            page.url
                .join(address)
                .map_err(|_unparsed| BrowserError::Address {
                    address: address.to_owned(),
                })
        };
        let mut read = Self {
            page: page.clone(),
            action: match form.attr("action") {
                Some(address) if !address.is_empty() => resolve(address)?,
                _ => page.url.clone(),
            },
            method: match form.attr("method") {
                Some(method) if method.eq_ignore_ascii_case("post") => Method::Post,
                _ => Method::Get,
            },
            controls: Vec::new(),
            buttons: Vec::new(),
            pressed: None,
        };
        for element in document.root_element().descendent_elements() {
            if !belongs(element, form) || is_disabled(element) {
                continue;
            }
            let value = element.attr("value").unwrap_or_default();
            match (
                element.value().name(),
                element.attr("type").unwrap_or_default(),
            ) {
                ("button", "" | "submit") | ("input", "submit" | "image") => {
                    let action = element.attr("formaction").map(resolve).transpose()?;
                    read.buttons.push(button(element, action));
                }
                ("input", "button" | "reset" | "file") => {}
                ("input", "checkbox") => read.add(element, "on", Kind::Checkbox(state(element))),
                ("input", "radio") => read.add(element, "on", Kind::Radio(state(element))),
                ("input", _) => read.add(element, value, Kind::Value),
                ("textarea", _) => {
                    let text: String = element.text().collect();
                    read.add(element, &text, Kind::Value);
                }
                ("select", _) => read.add_select(element),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Where the form goes.
    #[must_use]
    pub fn action(&self) -> &Url {
        &self.action
    }

    /// The pairs that would be sent now, in the page's order.
    #[must_use]
    pub fn fields(&self) -> Vec<(String, String)> {
        self.controls
            .iter()
            .filter(|control| {
                !matches!(
                    control.kind,
                    Kind::Checkbox(State::Open) | Kind::Radio(State::Open)
                )
            })
            .map(|control| (control.name.clone(), control.value.clone()))
            .chain(self.pressed.clone())
            .collect()
    }

    /// The value that would be sent first under a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<String> {
        self.fields()
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Whether the page gave the form a control of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.controls.iter().any(|control| control.name == name)
    }

    /// The check boxes or radio buttons of a name.
    #[must_use]
    pub fn choices(&self, name: &str) -> Vec<Choice> {
        self.controls
            .iter()
            .filter(|control| control.name == name)
            .filter_map(|control| match control.kind {
                Kind::Value => None,
                Kind::Checkbox(state) | Kind::Radio(state) => Some(Choice {
                    value: control.value.clone(),
                    chosen: state == State::Chosen,
                }),
            })
            .collect()
    }

    /// The caption of a button of the form, by its id without `#`.
    #[must_use]
    pub fn button(&self, id: &str) -> Option<&str> {
        self.find_button(id).map(|button| button.text.as_str())
    }

    /// Types a value, or chooses it from check boxes or radio buttons. A name that the form does not have is added, as a forger would.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        let position = self
            .controls
            .iter()
            .position(|control| control.name == name);
        match position.and_then(|position| self.controls.get_mut(position)) {
            Some(control) if control.kind == Kind::Value => {
                value.clone_into(&mut control.value);
                self
            }
            _ => self.check(name, value),
        }
    }

    /// Adds one more pair, also where the name is there already.
    pub fn repeat(&mut self, name: &str, value: &str) -> &mut Self {
        self.append(name, value);
        self
    }

    /// Takes every control of a name out of the form.
    pub fn remove(&mut self, name: &str) -> &mut Self {
        self.controls.retain(|control| control.name != name);
        self
    }

    /// Ticks a check box or chooses a radio button; one that the form does not have is added.
    pub fn check(&mut self, name: &str, value: &str) -> &mut Self {
        let mut found = false;
        for control in self
            .controls
            .iter_mut()
            .filter(|control| control.name == name)
        {
            match control.kind {
                Kind::Value => {}
                Kind::Checkbox(_) if control.value == value => {
                    control.kind = Kind::Checkbox(State::Chosen);
                    found = true;
                }
                Kind::Checkbox(_) => {}
                Kind::Radio(_) => {
                    let chosen = control.value == value;
                    control.kind = Kind::Radio(if chosen { State::Chosen } else { State::Open });
                    found |= chosen;
                }
            }
        }
        if !found {
            self.append(name, value);
        }
        self
    }

    /// Clears a check box.
    pub fn uncheck(&mut self, name: &str, value: &str) -> &mut Self {
        for control in &mut self.controls {
            if control.name == name && control.value == value && control.kind != Kind::Value {
                control.kind = Kind::Checkbox(State::Open);
            }
        }
        self
    }

    /// Chooses the button that sends the form: its name and value go along, and its own action
    /// counts.
    ///
    /// # Errors
    /// [`BrowserError::Missing`] where the form has no such button that can be pressed.
    pub fn press(&mut self, id: &str) -> Result<&mut Self, BrowserError> {
        let button = self.find_button(id).cloned();
        let button = button.ok_or_else(|| self.page.missing(&format!("button#{id}")))?;
        self.pressed = button.pair;
        if let Some(action) = button.action {
            self.action = action;
        }
        Ok(self)
    }

    /// Sends the form. Redirects are not followed.
    ///
    /// # Errors
    /// As [`Browser::get`].
    pub async fn submit(&self, browser: &Browser) -> Result<Page, BrowserError> {
        let pairs = self.fields();
        match self.method {
            Method::Post => {
                browser
                    .post(Some(&self.page), self.action.clone(), &pairs)
                    .await
            }
            Method::Get => {
                let mut url = self.action.clone();
                url.query_pairs_mut().clear().extend_pairs(&pairs);
                browser.open(&self.page, url).await
            }
        }
    }

    /// Sends the form and follows redirects while they stay on the form's own origin.
    ///
    /// # Errors
    /// As [`Browser::follow_to_end`].
    pub async fn submit_and_follow(&self, browser: &Browser) -> Result<Page, BrowserError> {
        let answer = self.submit(browser).await?;
        browser.follow_to_end(answer, &self.action).await
    }

    fn append(&mut self, name: &str, value: &str) {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.controls.push(Control {
            name,
            value,
            kind: Kind::Value,
        });
    }

    fn add(&mut self, element: ElementRef<'_>, default: &str, kind: Kind) {
        let Some(name) = element.attr("name").filter(|name| !name.is_empty()) else {
            return;
        };
        let value = match kind {
            Kind::Value => default,
            Kind::Checkbox(_) | Kind::Radio(_) => element.attr("value").unwrap_or(default),
        };
        self.controls.push(Control {
            name: name.to_owned(),
            value: value.to_owned(),
            kind,
        });
    }

    fn add_select(&mut self, element: ElementRef<'_>) {
        let options = || {
            element
                .descendent_elements()
                .filter(|child| child.value().name() == "option")
        };
        let chosen = options().find(|option| option.attr("selected").is_some());
        let Some(option) = chosen.or_else(|| options().next()) else {
            return;
        };
        let value = match option.attr("value") {
            Some(value) => value.to_owned(),
            None => visible_text::of(option),
        };
        self.add(element, &value, Kind::Value);
    }

    fn find_button(&self, id: &str) -> Option<&Button> {
        self.buttons
            .iter()
            .find(|button| button.id.as_deref() == Some(id))
    }
}

/// Names only: a form may hold a password or a PIN.
impl std::fmt::Debug for Form {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self
            .controls
            .iter()
            .map(|control| control.name.as_str())
            .collect();
        formatter
            .debug_struct("Form")
            .field("action", &self.action.as_str())
            .field("names", &names)
            .finish_non_exhaustive()
    }
}

/// HTML, "form owner": the `form` attribute, else the nearest form around.
fn belongs(element: ElementRef<'_>, form: ElementRef<'_>) -> bool {
    match element.attr("form") {
        Some(owner) => form.attr("id") == Some(owner),
        None => element
            .ancestors()
            .any(|ancestor| ancestor.id() == form.id()),
    }
}

fn is_disabled(element: ElementRef<'_>) -> bool {
    let around = element.ancestors().filter_map(ElementRef::wrap);
    element.attr("disabled").is_some()
        || around.into_iter().any(|ancestor| {
            ancestor.value().name() == "fieldset" && ancestor.attr("disabled").is_some()
        })
}

fn state(element: ElementRef<'_>) -> State {
    if element.attr("checked").is_some() {
        State::Chosen
    } else {
        State::Open
    }
}

fn button(element: ElementRef<'_>, action: Option<Url>) -> Button {
    let value = element.attr("value").unwrap_or_default();
    Button {
        id: element.attr("id").map(str::to_owned),
        pair: element
            .attr("name")
            .map(|name| (name.to_owned(), value.to_owned())),
        text: match element.value().name() {
            "input" => value.to_owned(),
            _ => visible_text::of(element),
        },
        action,
    }
}

#[cfg(test)]
mod tests;
