// Results whose end undoes what was asked for: the compiler warns of each statement that drops one, and of nothing else.
#include <comoq/comoq.hpp>

void drop_results(comoq::Origin &origin, comoq::BroadcastProducer &broadcast, comoq::TrackProducer &track,
                  comoq::GroupProducer &group, comoq::BroadcastConsumer consumer) {
    // Announced, and at once not any more.
    origin.producer().create_broadcast("a");             // warned
    origin.producer().publish_broadcast("b", consumer);  // warned
    origin.producer();                                   // warned
    origin.producer().make_broadcast();                  // warned
    // A handler that is gone.
    origin.producer().dynamic();                         // warned
    broadcast.dynamic();                                 // warned
    track.dynamic();                                     // warned
    // Dropped by its only producer.
    broadcast.create_track("x");                         // warned
    broadcast.unique_track("x");                         // warned
    track.append_group();                                // warned
    track.create_group(7);                               // warned
    group.create_frame(10);                              // warned
    // Withdrawn.
    origin.consumer().announced();                       // warned
    origin.consumer().request_broadcast("a");            // warned
    consumer.track("x").subscribe();                     // warned
    consumer.track("x").fetch_group(7);                  // warned
    origin.consumer().with_root("a");                    // warned

    // These do their work.
    track.write_frame(comoq::Bytes());
    track.append_datagram(comoq::Bytes());
    group.write_frame(comoq::Bytes());
}
