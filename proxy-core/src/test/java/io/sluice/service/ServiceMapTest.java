package io.sluice.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A tree map is the model. */
class ServiceMapTest {

    @ParameterizedTest(name = "{0} Services at most")
    @ValueSource(ints = {1, 3, 130, 600, 5_000})
    void is_at_every_step_what_a_tree_map_is_and_tells_just_the_differences(int names) {
        Random random = new Random(names);
        TreeMap<ServiceName, ServiceState> model = new TreeMap<>();
        ServiceMap map = ServiceMap.EMPTY;
        for (int step = 0; step < 200; step++) {
            SortedMap<ServiceName, ServiceState> put = new TreeMap<>();
            Set<ServiceName> removed = new HashSet<>();
            int most = random.nextInt(10) == 0 ? names : 3;
            boolean shrinks = random.nextBoolean();
            for (int i = random.nextInt(most + 1); i > 0; i--) {
                ServiceName name = name(random.nextInt(names));
                if (shrinks && random.nextInt(4) > 0) {
                    removed.add(name);
                } else {
                    put.put(name, state(name, random.nextInt(3)));
                }
            }
            ServiceMap before = map;
            TreeMap<ServiceName, ServiceState> modelBefore = new TreeMap<>(model);
            map = map.with(put, removed);
            model.keySet().removeAll(removed);
            model.putAll(put);

            assertThat(new ArrayList<>(map.entrySet())).isEqualTo(new ArrayList<>(model.entrySet()));
            assertThat(new ArrayList<>(map.values())).isEqualTo(new ArrayList<>(model.values()));
            assertThat(map).hasSameSizeAs(model).isEqualTo(model);
            assertThat(before).isEqualTo(modelBefore);
            for (int i = 0; i < 20; i++) {
                ServiceName name = name(random.nextInt(names + 1));
                assertThat(map.get(name)).isEqualTo(model.get(name));
                assertThat(map.containsKey(name)).isEqualTo(model.containsKey(name));
            }
            assertThat(differences(before, map)).isEqualTo(differences(modelBefore, model));
            assertThat(differences(ServiceMap.of(modelBefore), map)).isEqualTo(differences(modelBefore, model));
        }
    }

    @Test
    void a_map_that_was_made_of_another_shares_what_does_not_differ() {
        TreeMap<ServiceName, ServiceState> all = new TreeMap<>();
        for (int i = 0; i < 40_000; i++) {
            all.put(name(i), state(name(i), 0));
        }
        ServiceMap before = ServiceMap.of(all);
        ServiceMap now = before.with(Map.of(name(20_000), state(name(20_000), 1)), Set.of());

        assertThat(differences(before, now)).hasSize(1);
        assertThat(now.get(name(3))).isSameAs(before.get(name(3)));
        assertThat(before.with(Map.of(), Set.of())).isSameAs(before);
        assertThat(ServiceMap.of(before)).isSameAs(before);
    }

    @Test
    void has_nothing_for_other_keys_and_ends_where_it_ends() {
        ServiceMap one = ServiceMap.of(Map.of(name(1), state(name(1), 0)));
        assertThat(one.get(name(0))).isNull();
        assertThat(one.get(name(2))).isNull();
        assertThat(ServiceMap.EMPTY.get(name(1))).isNull();
        Iterator<ServiceState> states = one.values().iterator();
        states.next();
        assertThat(states.hasNext()).isFalse();
        assertThatThrownBy(states::next).isInstanceOf(NoSuchElementException.class);
    }

    private static List<String> differences(ServiceMap before, ServiceMap now) {
        return now.since(before).stream().map(each -> each.before() + " -> " + each.now()).toList();
    }

    private static List<String> differences(SortedMap<ServiceName, ServiceState> before,
            SortedMap<ServiceName, ServiceState> now) {
        TreeMap<ServiceName, ServiceState> names = new TreeMap<>(before);
        names.putAll(now);
        return names.keySet().stream().filter(name -> !Objects.equals(before.get(name), now.get(name)))
                .map(name -> before.get(name) + " -> " + now.get(name)).toList();
    }

    private static ServiceName name(int number) {
        return new ServiceName("ns", String.format(Locale.ROOT, "s-%05d", number));
    }

    private static ServiceState state(ServiceName name, int port) {
        return new ServiceState(Service.builder(name)
                .ports(List.of(new ServicePort("", Protocol.TCP, 80 + port, 0, "80", null))).build(), List.of());
    }
}
