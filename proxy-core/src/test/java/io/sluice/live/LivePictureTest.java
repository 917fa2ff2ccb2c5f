package io.sluice.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.live.LiveService.About;
import io.sluice.live.LiveService.Endpoints;
import io.sluice.live.LiveService.Look;
import io.sluice.live.LiveService.State;
import io.sluice.metrics.LatencySummary;
import io.sluice.service.ServiceName;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a page is told: everything at first, then what differs, in parts that are not too large. */
class LivePictureTest {

    private static final long SECOND = Duration.ofSeconds(1).toNanos();
    private static final LivePicture.Frame FRAME = new LivePicture.Frame("{\"version\":\"1\"}", "{\"ready\":true}");

    @Test
    void the_first_picture_is_told_whole() {
        LivePicture first = LivePicture.EMPTY.next(FRAME, List.of(look("api", 3, 100, 1000), look("db", 0, 0, 0)), 0);

        assertThat(events(first, 0)).containsExactly("begin {\"version\":\"1\"}", "health {\"ready\":true}",
                "services [{\"id\":0,\"namespace\":\"shop\",\"name\":\"api\",\"type\":\"ClusterIP\",\"addresses\":"
                        + "\"10.96.0.1\",\"ports\":\"80/TCP\",\"why\":\"\"},{\"id\":1,\"namespace\":\"shop\",\"name\":\"db\","
                        + "\"type\":\"ClusterIP\",\"addresses\":\"10.96.0.1\",\"ports\":\"80/TCP\",\"why\":\"\"}]",
                "figures [[0,\"ok\",2,3,0,1,3,0,0,1.00,20.00,null,null],[1,\"ok\",2,3,0,1,0,0,0,1.00,20.00,null,null]]",
                "tick {\"open\":3,\"rate\":0,\"bytes\":0}");
    }

    @Test
    void then_only_what_differs_is_told_and_rates_are_of_a_second() {
        LivePicture first = LivePicture.EMPTY.next(FRAME, List.of(look("api", 3, 100, 1000), look("db", 0, 0, 0)), 0);
        LivePicture second = first.next(FRAME, List.of(look("api", 4, 105, 3000), look("db", 0, 0, 0)), 2 * SECOND);
        LivePicture third = second.next(FRAME, List.of(look("api", 4, 105, 3000), look("db", 0, 0, 0)), SECOND);
        LivePicture fourth = third.next(FRAME, List.of(look("api", 4, 105, 3000), look("db", 0, 0, 0)), SECOND);

        assertThat(events(second, 1)).containsExactly(
                "figures [[0,\"ok\",2,3,0,1,4,2.50,1000,1.00,20.00,null,null]]",
                "tick {\"open\":4,\"rate\":2.50,\"bytes\":1000}");
        assertThat(events(third, 2)).containsExactly("figures [[0,\"ok\",2,3,0,1,4,0,0,1.00,20.00,null,null]]",
                "tick {\"open\":4,\"rate\":0,\"bytes\":0}");
        assertThat(events(fourth, 3)).containsExactly("tick {\"open\":4,\"rate\":0,\"bytes\":0}");
        assertThat(fourth.changed()).isZero();
    }

    /** Nothing is made anew for a Service that rests: a figure that moves alone must not be taken for rest. */
    @Test
    void a_figure_that_moves_alone_is_told() {
        Look rest = look("api", 3, 100, 1000);
        LatencySummary other = new LatencySummary(6, Duration.ofMillis(2), Duration.ofMillis(20));
        for (Look moved : List.of(look("api", 2, 100, 1000),
                new Look(rest.name(), rest.about(), State.EJECTED, rest.endpoints(), 3, 100, 1000, rest.connect(),
                        rest.firstByte()),
                new Look(rest.name(), rest.about(), rest.state(), new Endpoints(1, 3, 0, 1), 3, 100, 1000,
                        rest.connect(), rest.firstByte()),
                new Look(rest.name(), rest.about(), rest.state(), rest.endpoints(), 3, 100, 1000, other,
                        rest.firstByte()),
                new Look(rest.name(), rest.about(), rest.state(), rest.endpoints(), 3, 100, 1000, rest.connect(),
                        other))) {
            LivePicture second = LivePicture.EMPTY.next(FRAME, List.of(rest), 0).next(FRAME, List.of(rest), SECOND);
            assertThat(second.changed()).isZero();
            assertThat(second.next(FRAME, List.of(moved), SECOND).changed()).as(moved.toString()).isEqualTo(1);
        }
    }

    @Test
    void whoever_skips_pictures_is_told_the_difference_to_its_own() {
        LivePicture first = LivePicture.EMPTY.next(FRAME, List.of(look("a", 0, 0, 0), look("b", 0, 0, 0)), 0);
        LivePicture second = first.next(FRAME, List.of(look("b", 0, 0, 0), look("c", 0, 0, 0)), SECOND);
        LivePicture third = second.next(new LivePicture.Frame(FRAME.begin(), "{\"ready\":false}"),
                List.of(look("b", 0, 0, 0), look("c", 1, 1, 1)), SECOND);

        assertThat(events(third, 1)).first().isEqualTo("health {\"ready\":false}");
        assertThat(events(third, 1)).contains("gone [0]").anyMatch(event -> event.startsWith("services [{\"id\":2,"))
                .anyMatch(event -> event.startsWith("figures [[2,"));
        assertThat(events(third, 2)).noneMatch(event -> event.startsWith("gone") || event.startsWith("services"));
    }

    @Test
    void a_service_that_comes_back_is_another_one() {
        LivePicture first = LivePicture.EMPTY.next(FRAME, List.of(look("a", 0, 50, 0)), 0);
        LivePicture without = first.next(FRAME, List.of(), SECOND);
        LivePicture again = without.next(FRAME, List.of(look("a", 0, 50, 0)), SECOND);

        assertThat(events(again, 1)).contains("gone [0]").anyMatch(event -> event.startsWith("services [{\"id\":1,"));
        assertThat(events(again, 1)).last().isEqualTo("tick {\"open\":0,\"rate\":0,\"bytes\":0}");
    }

    @Test
    void a_counter_that_began_anew_is_no_negative_rate() {
        LivePicture first = LivePicture.EMPTY.next(FRAME, List.of(look("a", 0, 50, 50)), 0);
        LivePicture second = first.next(FRAME, List.of(look("a", 0, 1, 1)), SECOND);

        assertThat(events(second, 1)).containsExactly("tick {\"open\":0,\"rate\":0,\"bytes\":0}");
    }

    @Test
    void more_that_is_gone_than_is_remembered_is_told_anew() {
        LivePicture first = LivePicture.EMPTY.next(FRAME,
                IntStream.range(0, LivePicture.REMEMBERED + 1).mapToObj(i -> look("s" + i, 0, 0, 0)).toList(), 0);
        LivePicture second = first.next(FRAME, List.of(look("s0", 0, 0, 0)), SECOND);
        LivePicture third = second.next(FRAME, List.of(), SECOND);

        assertThat(events(second, 1)).as("just remembered").anyMatch(event -> event.startsWith("gone [1,"));
        assertThat(events(third, 1)).as("forgotten").first().asString().startsWith("begin ");
        assertThat(events(third, 2)).contains("gone [0]");
    }

    @Test
    void a_large_picture_comes_in_parts_of_some_kilobytes() {
        LivePicture picture = LivePicture.EMPTY.next(FRAME,
                IntStream.range(0, 10_000).mapToObj(i -> look("service-" + i, i, i, i)).toList(), 0);
        List<String> parts = new ArrayList<>();
        picture.since(0).forEachRemaining(parts::add);

        assertThat(parts).hasSizeGreaterThan(50).allSatisfy(part -> assertThat(part.length()).isLessThan(16_384));
        TreeMap<Integer, String> names = new TreeMap<>();
        for (String event : events(picture, 0)) {
            if (event.startsWith("services ")) {
                json(event).forEach(row -> names.put(row.path("id").asInt(), row.path("name").asString()));
            }
        }
        assertThat(names).hasSize(10_000).containsEntry(9_999, "service-9999");
    }

    @Test
    void what_comes_from_outside_stays_one_line_of_json() {
        Look look = new Look(new ServiceName("n", "a\n\ndata: [\u0007\"<script>"),
                new About("ClusterIP", "\u2028\r\nevent: gone", "", "\ud800"), State.EMPTY, new Endpoints(0, 0, 0, 0),
                0, 0, 0,
                LatencySummary.NONE, LatencySummary.NONE);
        LivePicture picture = LivePicture.EMPTY.next(FRAME, List.of(look), 0);

        String row = events(picture, 0).get(2);
        assertThat(row).doesNotContain("\n", "\r", "\u2028", "\u0007");
        assertThat(json(row).get(0).path("name").asString()).isEqualTo("a\n\ndata: [\u0007\"<script>");
    }

    private static JsonNode json(String event) {
        return JsonMapper.shared().readTree(event.substring(event.indexOf(' ') + 1));
    }

    /** The events that somebody is told who has picture {@code known}: the type and the data of each. */
    private static List<String> events(LivePicture picture, long known) {
        StringBuilder text = new StringBuilder();
        picture.since(known).forEachRemaining(text::append);
        List<String> events = new ArrayList<>();
        for (String block : text.toString().strip().split("\n\n", -1)) {
            String[] lines = block.split("\n", -1);
            assertThat(lines).hasSize(2);
            events.add(lines[0].replaceFirst("^event: ", "") + " " + lines[1].replaceFirst("^data: ", ""));
        }
        return events;
    }

    private static Look look(String name, long open, long connections, long bytes) {
        return new Look(new ServiceName("shop", name), new About("ClusterIP", "10.96.0.1", "80/TCP", ""), State.OK,
                new Endpoints(2, 3, 0, 1), open, connections, bytes,
                new LatencySummary(5, Duration.ofMillis(1), Duration.ofMillis(20)), LatencySummary.NONE);
    }
}
