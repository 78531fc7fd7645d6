//! `/v1/coupons`: what comes with a campaign, and how many of it there are.

use axum::extract::State;
use axum::response::Response;
use campaign::CouponId;
use chrono::{DateTime, Utc};
use database::Tx;
use runtime::Backends;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::answer::Done;
use crate::error::Error;
use crate::field::{check_instant, check_name};
use crate::once::{Incoming, KeyHeader};
use crate::page::{List, Page, PageParameters};
use crate::request::{Body, Parameters, Segments};

/// The routes of coupons.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get))
}

/// A coupon to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCoupon {
    /// For people; 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// How many there are; as many as are wanted where it is not given.
    #[schema(minimum = 0)]
    stock: Option<u64>,
    /// From when on it may be granted.
    valid_from: Option<DateTime<Utc>>,
    /// Until when it may be granted; after `valid_from`.
    valid_until: Option<DateTime<Utc>>,
}

/// A kind of coupon, and its stock.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Coupon {
    id: Uuid,
    /// For people.
    name: String,
    /// How many there are; `null` for as many as are wanted.
    stock: Option<u64>,
    /// How many of them are granted, or held by chunks under way.
    reserved: u64,
    /// From when on it may be granted.
    valid_from: Option<DateTime<Utc>>,
    /// Until when it may be granted.
    valid_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl NewCoupon {
    /// Checks the fields; `at` is the coupon's path in the body, with a dot behind it, or empty.
    pub(crate) fn check(&self, at: &str) -> Result<(), Error> {
        check_name(&format!("{at}name"), &self.name)?;
        check_instant(&format!("{at}valid_from"), self.valid_from)?;
        check_instant(&format!("{at}valid_until"), self.valid_until)?;
        if self.stock.is_some_and(|stock| i64::try_from(stock).is_err()) {
            return Err(Error::invalid(format!("{at}stock"), "is too large"));
        }
        match (self.valid_from, self.valid_until) {
            (Some(from), Some(until)) if until <= from => Err(Error::invalid(
                format!("{at}valid_until"),
                "must be after `valid_from`",
            )),
            _ => Ok(()),
        }
    }

    /// Inserts it.
    pub(crate) async fn insert(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<CouponId, Error> {
        let id = CouponId::allocate();
        let valid = (self.valid_from, self.valid_until);
        database::coupon::insert(tx, id, &self.name, self.stock, valid, now).await?;
        Ok(id)
    }
}

impl Coupon {
    fn of(row: database::coupon::Coupon) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            stock: row.stock,
            reserved: row.reserved,
            valid_from: row.valid_from,
            valid_until: row.valid_until,
            created_at: row.created_at,
        }
    }
}

/// Make a coupon.
#[utoipa::path(
    post, path = "/v1/coupons", tag = "coupons", operation_id = "create_coupon",
    params(KeyHeader), request_body = NewCoupon,
    responses((status = 201, description = "It is there", body = Coupon))
)]
async fn create(
    State(backends): State<Backends>,
    incoming: Incoming,
    body: Body<NewCoupon>,
) -> Result<Response, Error> {
    body.content.check("")?;
    let once = incoming.with_body(&body.bytes);
    let mut tx = once.begin(&backends.db).await?;
    let created = create_in(&mut tx, &body.content, backends.process.clock.now()).await;
    once.conclude(&backends, tx, created, Done::Created).await
}

async fn create_in(tx: &mut Tx, coupon: &NewCoupon, now: DateTime<Utc>) -> Result<Coupon, Error> {
    let id = coupon.insert(tx, now).await?;
    let row = database::coupon::find(tx, id).await?;
    row.map(Coupon::of).ok_or(Error::NotFound { what: "coupon" })
}

/// List coupons, newest first.
#[utoipa::path(
    get, path = "/v1/coupons", tag = "coupons", operation_id = "list_coupons",
    params(PageParameters), responses((status = 200, description = "A page", body = Page<Coupon>))
)]
async fn list(
    State(backends): State<Backends>,
    Parameters(page): Parameters<PageParameters>,
) -> Result<Response, Error> {
    let limit = page.limit()?;
    let before = page.after(List::Coupons)?.map(CouponId);
    let rows = database::coupon::list(&backends.db, before, limit + 1).await?;
    let page = List::Coupons.page(rows, limit, |row| row.id.0, |row| Ok(Coupon::of(row)))?;
    Ok(Done::Ok.with(page))
}

/// Show a coupon and its stock.
#[utoipa::path(
    get, path = "/v1/coupons/{id}", tag = "coupons", operation_id = "get_coupon",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The coupon", body = Coupon))
)]
async fn get(State(backends): State<Backends>, Segments(id): Segments<Uuid>) -> Result<Response, Error> {
    let row = database::coupon::find(&backends.db, CouponId(id)).await?;
    let coupon = row.map(Coupon::of).ok_or(Error::NotFound { what: "coupon" })?;
    Ok(Done::Ok.with(coupon))
}
