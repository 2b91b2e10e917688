//! `/callback`: the way back from the bank.

use actix_web::{HttpRequest, HttpResponse, web};

use super::layout::see_other;
use super::{message, visitor};
use crate::application::Services;
use crate::linking::{self, LinkError};

/// A redirect that is loaded again leads to the same place as the first time.
pub(super) async fn receive(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    let Some(session) = visitor::find(&request, &services) else {
        return message::not_linked(&services, LinkError::InvalidState);
    };
    match linking::complete(&services, &session, request.query_string()).await {
        Ok(id) => see_other(&format!("/linkages/{}/import", id.as_str())),
        Err(error) => {
            tracing::info!(error = %error.code(), "no linkage came of a redirect");
            message::not_linked(&services, error)
        }
    }
}
