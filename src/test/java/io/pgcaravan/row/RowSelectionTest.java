package io.pgcaravan.row;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowSelectionTest {

    @Test
    void a_star_and_nothing_take_everything() {
        assertThat(RowSelection.of("*", "", null)).isEqualTo(RowSelection.ALL);
        assertThat(RowSelection.of(null, null, " ")).isEqualTo(RowSelection.ALL);
        assertThat(RowSelection.ALL.target("a")).isEqualTo("a");
    }

    @Test
    void names_of_columns_are_known_by_the_producers_names() {
        RowSelection selection = RowSelection.of("a, b:renamed", "a", null);

        assertThat(selection.target("a")).isNull();
        assertThat(selection.target("b")).isEqualTo("renamed");
        assertThat(selection.target("renamed")).isNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {"a,,b", "a,", "a:", ":b", "a:b:c", "*,a"})
    void what_is_no_list_of_columns_is_refused(String fields) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RowSelection.of(fields, null, null))
                .withMessageStartingWith("fields = " + fields + ": ");
    }

    @Test
    void two_columns_cannot_become_one() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RowSelection.of("a, b:a", null, null))
                .withMessage("fields names the target column \"a\" twice, for \"a\" and for \"b\";"
                        + " each needs a name of its own");
    }

    @Test
    void something_must_be_left() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RowSelection.of("a", "a", null))
                .withMessageContaining("skipFields leaves none");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> RowSelection.of("*", "a,,b", null))
                .withMessageContaining("skipFields = a,,b");
    }
}
