package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BufferBudgetTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            it is not short at first                                |                  | 0   | false | 0
            nor while something is left                             | 99               | 99  | false | 0
            it is short when all is used                            | 60, 40           | 100 | true  | 1
            what was being read then may exceed it                  | 60, 60           | 120 | true  | 1
            a little that is given back is not enough               | 100, -25         | 75  | true  | 1
            more than a quarter is                                  | 100, -26         | 74  | false | 1
            it becomes short again                                  | 100, -50, 50     | 100 | true  | 2
            it is short once however much is taken                  | 100, 100, 100    | 300 | true  | 1
            """)
    void a_budget_of_100_bytes(String rule, String changes, long used, boolean isShort, int times) {
        AtomicInteger told = new AtomicInteger();
        BufferBudget budget = new BufferBudget(100, told::incrementAndGet);
        if (changes != null) {
            for (String change : changes.split(", *", -1)) {
                long bytes = Long.parseLong(change);
                if (bytes > 0) {
                    budget.take(bytes);
                } else {
                    budget.giveBack(-bytes);
                }
            }
        }
        assertThat(budget.used()).isEqualTo(used);
        assertThat(budget.isShort()).isEqualTo(isShort);
        assertThat(told).hasValue(times);
    }
}
