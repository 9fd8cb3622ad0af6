//! Places: rooms and lists of rooms, by their ids or addresses.
//!
//! Sources: learn.microsoft.com/graph/api/place-get, /place-list.

use serde_json::Value;

use crate::graph::call::Call;
use crate::graph::generic::behaviour::Behaviour;

/// What places add.
pub(super) const BEHAVIOURS: &[Behaviour] = &[Behaviour {
    key: Some(by_address),
    searched: &["displayName"],
    ..Behaviour::of("place")
}];

/// The id of the room, or the list of rooms, with an address.
fn by_address(call: &Call<'_>, collection: &str, key: &str) -> Option<String> {
    if !key.contains('@') {
        return None;
    }
    call.tenant.read_documents(|documents| {
        let mut places = documents.list(collection);
        let found = places.find(|it| {
            let address = it.properties.get("emailAddress").and_then(Value::as_str);
            address.is_some_and(|it| it.eq_ignore_ascii_case(key))
        });
        found.map(|it| it.id.clone())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::graph::tests::Bench;

    #[tokio::test]
    async fn rooms_are_listed_by_their_type_and_read_by_their_address() {
        let bench = Bench::new();
        let app = bench.app_only(&["Place.ReadWrite.All"]);
        let none = bench
            .get(&app, "/v1.0/places/microsoft.graph.room")
            .await
            .expect(200);
        assert!(none.values().is_empty());
        let room = json!({"@odata.type": "#microsoft.graph.room", "displayName": "Rainier",
            "emailAddress": "rainier@contoso.onmicrosoft.com", "capacity": 8, "bookingType": "standard"});
        let room = bench.post(&app, "/v1.0/places", room).await.expect(201);
        let list = json!({"@odata.type": "#microsoft.graph.roomList", "displayName": "Building 1",
            "emailAddress": "bldg1@contoso.onmicrosoft.com"});
        bench.post(&app, "/v1.0/places", list).await.expect(201);
        let rooms = bench
            .get(&app, "/v1.0/places/microsoft.graph.room")
            .await
            .expect(200);
        assert_eq!(
            (rooms.values().len(), &rooms.values()[0]["id"]),
            (1, &json!(room.id()))
        );
        let lists = bench
            .get(&app, "/v1.0/places/microsoft.graph.roomlist")
            .await
            .expect(200);
        assert_eq!(lists.values()[0]["displayName"], "Building 1");
        let by_address = "/v1.0/places/Rainier@contoso.onmicrosoft.com";
        let read = bench.get(&app, by_address).await.expect(200);
        assert_eq!(read.body["capacity"], 8);
        let change = json!({"@odata.type": "#microsoft.graph.room", "capacity": 10});
        bench
            .send("PATCH", &app, by_address, &[], change)
            .await
            .expect(200);
        assert_eq!(
            bench.get(&app, by_address).await.expect(200).body["capacity"],
            10
        );
        bench
            .get(&app, "/v1.0/places/nobody@contoso.onmicrosoft.com")
            .await
            .expect(404);
        let inside = "/v1.0/places/bldg1@contoso.onmicrosoft.com/microsoft.graph.roomlist/rooms";
        assert!(
            bench
                .get(&app, inside)
                .await
                .expect(200)
                .values()
                .is_empty()
        );
    }
}
