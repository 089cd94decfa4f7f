//! The invented shop: twelve services, what they offer, whom they call. Plain tables; `request.rs` brings them to life.

/// The services, by index.
pub(crate) const SERVICES: [(&str, &str, &str); 12] = [
    ("frontend", "nodejs", "3.8.1"),
    ("api-gateway", "go", "2.14.0"),
    ("cart", "dotnet", "1.9.4"),
    ("checkout", "go", "4.2.0"),
    ("payment", "java", "7.0.3"),
    ("catalog", "go", "2.3.7"),
    ("search", "rust", "0.12.2"),
    ("recommendation", "python", "1.4.0"),
    ("shipping", "rust", "2.0.1"),
    ("currency", "cpp", "1.1.0"),
    ("email", "ruby", "3.3.2"),
    ("inventory", "java", "5.6.0"),
];

/// How an operation is offered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Offer {
    /// HTTP method and route.
    Http(&'static str, &'static str),
    /// gRPC service and method.
    Grpc(&'static str, &'static str),
    /// Consumes a topic.
    Topic(&'static str),
}

/// A step of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Calls another operation; its failure is ours.
    Call(&'static Operation),
    /// Calls another operation; its failure is tolerated.
    Try(&'static Operation),
    /// Calls it between the two counts of times, one after the other.
    Each(&'static Operation, u64, u64),
    /// Calls several at the same time.
    Together(&'static [&'static Operation]),
    /// A database: system, operation, collection, statement, median milliseconds.
    Store(&'static str, &'static str, &'static str, &'static str, f64),
    /// A store that is asked with this probability (a cache miss, say).
    Sometimes(f64, &'static Step),
    /// Sends a message; the consumer works on after we are done.
    Publish(&'static str, &'static Operation),
    /// Work of our own worth a span.
    Inside(&'static str, f64),
}

/// One operation of one service.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Index into [`SERVICES`].
    pub(crate) service: usize,
    /// How it is offered.
    pub(crate) offer: Offer,
    /// Median of its own work in milliseconds.
    pub(crate) own_ms: f64,
    /// What it does.
    pub(crate) steps: &'static [Step],
    /// What it logs when it is done: probability, severity, text with {placeholders}.
    pub(crate) says: &'static [(f64, u8, &'static str)],
}

const fn op(
    service: usize,
    offer: Offer,
    own_ms: f64,
    steps: &'static [Step],
    says: &'static [(f64, u8, &'static str)],
) -> Operation {
    Operation { service, offer, own_ms, steps, says }
}

use Offer::{Grpc, Http, Topic};
use Step::{Call, Each, Inside, Publish, Sometimes, Store, Together, Try};

const DEBUG: u8 = 5;
const INFO: u8 = 9;
const WARN: u8 = 13;

static CONVERT: Operation = op(
    9,
    Grpc("shop.Currency", "Convert"),
    0.6,
    &[],
    &[
        (0.1, DEBUG, "converted {amount} USD to {currency} at rate {rate}"),
        (0.02, WARN, "rate for {currency} is {n} minutes old, using it anyway"),
    ],
);
static CURRENCIES: Operation = op(9, Grpc("shop.Currency", "GetSupportedCurrencies"), 0.4, &[], &[]);
static STOCK: Operation = op(
    11,
    Grpc("shop.Inventory", "GetStock"),
    1.2,
    &[
        Store("redis", "GET", "stock", "GET stock:?", 0.4),
        Sometimes(
            0.15,
            &Store("postgresql", "SELECT", "stock", "SELECT quantity, reserved FROM stock WHERE product_id = $1", 3.0),
        ),
    ],
    &[
        (0.2, INFO, "stock of {product} is {n}"),
        (0.03, WARN, "stock of {product} is low: {few} left in warehouse {warehouse}"),
    ],
);
static RESERVE: Operation = op(
    11,
    Grpc("shop.Inventory", "Reserve"),
    2.0,
    &[
        Store(
            "postgresql",
            "UPDATE",
            "stock",
            "UPDATE stock SET reserved = reserved + $1 WHERE product_id = $2 AND quantity - reserved >= $1",
            5.0,
        ),
        Store("redis", "DEL", "stock", "DEL stock:?", 0.3),
    ],
    &[(0.9, INFO, "reserved {few} of {product} for order {order}")],
);
static PRODUCT: Operation = op(
    5,
    Grpc("shop.Catalog", "GetProduct"),
    1.0,
    &[
        Store("redis", "GET", "product", "GET product:?", 0.4),
        Sometimes(
            0.3,
            &Store(
                "postgresql",
                "SELECT",
                "products",
                "SELECT id, name, price, picture FROM products WHERE id = $1",
                4.0,
            ),
        ),
    ],
    &[(0.15, DEBUG, "cache miss for product {product}"), (0.3, INFO, "served product {product} in {ms} ms")],
);
static PRODUCTS: Operation = op(
    5,
    Grpc("shop.Catalog", "ListProducts"),
    2.5,
    &[Store(
        "postgresql",
        "SELECT",
        "products",
        "SELECT id, name, price FROM products WHERE category = $1 ORDER BY rank LIMIT 24",
        9.0,
    )],
    &[(0.5, INFO, "listed {n} products of category {category}")],
);
static RECOMMEND: Operation = op(
    7,
    Grpc("shop.Recommendation", "ListRecommendations"),
    6.0,
    &[
        Store("redis", "ZRANGE", "affinity", "ZRANGE affinity:? 0 9 REV", 0.6),
        Inside("rank candidates", 8.0),
        Call(&PRODUCT),
    ],
    &[
        (0.4, INFO, "recommended {few} products for {user} with model v{few}"),
        (0.03, WARN, "model answered in {ms} ms, falling back to best sellers"),
    ],
);
static FIND: Operation = op(
    6,
    Grpc("shop.Search", "Query"),
    4.0,
    &[
        Inside("parse query", 0.3),
        Store("opensearch", "search", "products", "{\"query\":{\"match\":{\"name\":\"?\"}}}", 14.0),
        Inside("score", 2.0),
    ],
    &[
        (0.8, INFO, "query \"{word}\" matched {n} products in {ms} ms"),
        (0.05, INFO, "query \"{word}\" matched nothing, suggesting \"{category}\""),
    ],
);
static CART_GET: Operation = op(
    2,
    Grpc("shop.Cart", "GetCart"),
    0.9,
    &[Store("redis", "HGETALL", "cart", "HGETALL cart:?", 0.6)],
    &[(0.3, INFO, "cart of {user} holds {few} items")],
);
static CART_ADD: Operation = op(
    2,
    Grpc("shop.Cart", "AddItem"),
    1.1,
    &[
        Call(&STOCK),
        Store("redis", "HSET", "cart", "HSET cart:? ? ?", 0.6),
        Store("redis", "EXPIRE", "cart", "EXPIRE cart:? 86400", 0.3),
    ],
    &[(0.9, INFO, "added {few} x {product} to the cart of {user}")],
);
static CART_EMPTY: Operation = op(
    2,
    Grpc("shop.Cart", "EmptyCart"),
    0.6,
    &[Store("redis", "DEL", "cart", "DEL cart:?", 0.4)],
    &[(0.5, INFO, "emptied the cart of {user}")],
);
static QUOTE: Operation = op(
    8,
    Grpc("shop.Shipping", "GetQuote"),
    1.5,
    &[Inside("price zones", 0.8)],
    &[(0.6, INFO, "quote for {few} items to {country}: {amount} USD")],
);
static SHIP: Operation = op(
    8,
    Grpc("shop.Shipping", "ShipOrder"),
    2.2,
    &[Store(
        "postgresql",
        "INSERT",
        "shipments",
        "INSERT INTO shipments (order_id, carrier, tracking) VALUES ($1, $2, $3)",
        4.0,
    )],
    &[(1.0, INFO, "order {order} leaves warehouse {warehouse} with carrier {carrier}, tracking {tracking}")],
);
static CHARGE: Operation = op(
    4,
    Grpc("shop.Payment", "Charge"),
    6.0,
    &[
        Inside("check for fraud", 7.0),
        Store(
            "postgresql",
            "INSERT",
            "charges",
            "INSERT INTO charges (order_id, amount, currency, card) VALUES ($1, $2, $3, $4)",
            5.0,
        ),
        Inside("POST acquirer.example/charges", 45.0),
    ],
    &[
        (1.0, INFO, "charged {amount} {currency} for order {order}, authorisation {tracking}"),
        (0.04, WARN, "fraud score {n} for {user} from {ip}, letting it pass"),
    ],
);
static CONFIRM: Operation = op(
    10,
    Topic("orders"),
    5.0,
    &[Inside("render template", 3.0), Inside("send mail", 30.0)],
    &[
        (1.0, INFO, "sent confirmation of order {order} to {user}@example.com"),
        (0.03, WARN, "mail server deferred the message for order {order}: 451 try again in {n} s"),
    ],
);
static BOOK_OUT: Operation = op(
    11,
    Topic("orders"),
    3.0,
    &[Store(
        "postgresql",
        "UPDATE",
        "stock",
        "UPDATE stock SET quantity = quantity - $1, reserved = reserved - $1 WHERE product_id = $2",
        5.0,
    )],
    &[(0.8, INFO, "booked out order {order} in warehouse {warehouse}")],
);
static PLACE: Operation = op(
    3,
    Grpc("shop.Checkout", "PlaceOrder"),
    3.0,
    &[
        Call(&CART_GET),
        Each(&PRODUCT, 1, 3),
        Together(&[&QUOTE, &CONVERT]),
        Call(&RESERVE),
        Call(&CHARGE),
        Store(
            "postgresql",
            "INSERT",
            "orders",
            "INSERT INTO orders (id, user_id, total, currency) VALUES ($1, $2, $3, $4)",
            6.0,
        ),
        Call(&SHIP),
        Try(&CART_EMPTY),
        Publish("orders", &CONFIRM),
        Publish("orders", &BOOK_OUT),
    ],
    &[(1.0, INFO, "order {order} of {user} placed: {few} items, {amount} {currency}")],
);

static API_HOME: Operation = op(
    1,
    Http("GET", "/api/home"),
    1.5,
    &[Together(&[&PRODUCTS, &CURRENCIES]), Try(&RECOMMEND)],
    &[(1.0, INFO, "GET /api/home 200 {ms} ms")],
);
static API_PRODUCT: Operation = op(
    1,
    Http("GET", "/api/products/{id}"),
    1.2,
    &[Together(&[&PRODUCT, &STOCK]), Call(&CONVERT), Try(&RECOMMEND)],
    &[(1.0, INFO, "GET /api/products/{product} 200 {ms} ms")],
);
static API_SEARCH: Operation = op(
    1,
    Http("GET", "/api/search"),
    1.2,
    &[Call(&FIND), Each(&PRODUCT, 0, 4)],
    &[(1.0, INFO, "GET /api/search?q={word} 200 {ms} ms")],
);
static API_CART_ADD: Operation = op(
    1,
    Http("POST", "/api/cart/items"),
    1.2,
    &[Call(&PRODUCT), Call(&CART_ADD)],
    &[
        (1.0, INFO, "POST /api/cart/items 201 {ms} ms"),
        (0.02, WARN, "client {ip} is near its limit: {n} requests a minute"),
    ],
);
static API_CART: Operation = op(
    1,
    Http("GET", "/api/cart"),
    1.0,
    &[Call(&CART_GET), Each(&PRODUCT, 0, 3), Call(&QUOTE)],
    &[(1.0, INFO, "GET /api/cart 200 {ms} ms")],
);
static API_CHECKOUT: Operation =
    op(1, Http("POST", "/api/checkout"), 1.8, &[Call(&PLACE)], &[(1.0, INFO, "POST /api/checkout 200 {ms} ms")]);

static HOME: Operation = op(
    0,
    Http("GET", "/"),
    6.0,
    &[Call(&API_HOME), Inside("render", 4.0)],
    &[(0.6, INFO, "rendered / for {user} in {ms} ms")],
);
static PRODUCT_PAGE: Operation = op(
    0,
    Http("GET", "/product/{id}"),
    5.0,
    &[Call(&API_PRODUCT), Inside("render", 4.0)],
    &[(0.6, INFO, "rendered /product/{product} for {user} in {ms} ms")],
);
static SEARCH_PAGE: Operation = op(
    0,
    Http("GET", "/search"),
    4.0,
    &[Call(&API_SEARCH), Inside("render", 3.0)],
    &[(0.6, INFO, "search page for \"{word}\" with {n} results")],
);
static ADD_PAGE: Operation =
    op(0, Http("POST", "/cart"), 3.0, &[Call(&API_CART_ADD)], &[(0.6, INFO, "{user} added {product} to the cart")]);
static CART_PAGE: Operation = op(
    0,
    Http("GET", "/cart"),
    4.0,
    &[Call(&API_CART), Inside("render", 2.5)],
    &[(0.6, INFO, "rendered /cart for {user} in {ms} ms")],
);
static CHECKOUT_PAGE: Operation = op(
    0,
    Http("POST", "/checkout"),
    5.0,
    &[Call(&API_CHECKOUT), Inside("render", 3.0)],
    &[(0.8, INFO, "{user} finished checkout, order {order}")],
);

/// What visitors do, with weights that sum to 100.
pub(crate) static ENTRIES: [(u64, &Operation); 6] =
    [(26, &HOME), (30, &PRODUCT_PAGE), (14, &SEARCH_PAGE), (12, &ADD_PAGE), (8, &CART_PAGE), (10, &CHECKOUT_PAGE)];

impl Operation {
    /// The name of its server or consumer span.
    pub(crate) fn name(&self) -> String {
        match self.offer {
            Http(method, route) => format!("{method} {route}"),
            Grpc(service, method) => format!("{service}/{method}"),
            Topic(topic) => format!("process {topic}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_a_hundred() {
        assert_eq!(ENTRIES.iter().map(|(weight, _)| weight).sum::<u64>(), 100);
    }
}
