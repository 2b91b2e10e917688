//! Codes of the domain as schemas of the API's document.

/// The schema of a code: a string from the domain's closed set.
macro_rules! coded {
    ($type:ty, $name:literal, $all:expr, $as_str:expr) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some($all.map($as_str)))
                    .into()
            }
        }

        impl utoipa::ToSchema for $type {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }
    };
}

pub(crate) use coded;
