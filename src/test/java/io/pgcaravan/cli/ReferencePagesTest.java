package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The committed reference is what the code says of itself. */
class ReferencePagesTest {

    @Test
    void the_page_is_what_the_code_says() throws Exception {
        for (Map.Entry<String, String> page : ReferencePages.all().entrySet()) {
            Path file = ReferencePages.DIRECTORY.resolve(page.getKey());
            if ("write".equals(System.getProperty("reference"))) {
                Files.createDirectories(ReferencePages.DIRECTORY);
                Files.writeString(file, page.getValue());
            }
            assertThat(file).exists();
            assertThat(Files.readString(file))
                    .as(
                            "%s is not what the code says; write it anew: mvn -o test -Dtest=ReferencePagesTest"
                                    + " -Dreference=write",
                            file)
                    .isEqualTo(page.getValue());
        }
    }

    @Test
    void nothing_is_left_without_a_word() throws Exception {
        Map<String, String> pages = ReferencePages.all();
        for (String page : new String[] {"commands.md", "options.md"}) {
            assertThat(pages.get(page).lines()).as(page).noneMatch(line -> line.matches("\\| `.*\\|  \\|"));
        }
    }
}
