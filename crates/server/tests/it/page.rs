//! The embedded page.

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn views_give_the_index_under_the_policy() {
    let world = World::new().await;
    for path in ["/", "/search?q=x", "/trace/5b8efff798038103d269b633813fc60c", "/services", "/status", "/start"] {
        let reply = world.get(path).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/html; charset=utf-8")), "{path}");
        let policy = reply.header("content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "script-src 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        let tag = reply.header("etag").unwrap().to_owned();
        let again = world.ask_at("http", "GET", path, &[("If-None-Match", &tag)], b"").await;
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
    for path in ["/nope", "/../Cargo.toml", "/assets/nope.js", "/assets/../index.html"] {
        assert_eq!(world.get(path).await.status, 404, "{path}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_never_change_and_are_packed() {
    let world = World::new().await;
    let index = world.get("/").await.text();
    let Some(start) = index.find("/assets/") else { return };
    let path = &index[start..start + index[start..].find('"').unwrap()];
    let plain = world.get(path).await;
    assert_eq!(plain.header("cache-control"), Some("public, max-age=31536000, immutable"));
    let packed = world.ask_at("http", "GET", path, &[("Accept-Encoding", "gzip, br")], b"").await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed.body[..]), &mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    world.stop().await;
}
