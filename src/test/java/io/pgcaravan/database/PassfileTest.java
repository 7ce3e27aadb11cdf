package io.pgcaravan.database;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The password file is read as libpq reads it. */
class PassfileTest {

    @TempDir
    private Path directory;

    private final List<String> warnings = new ArrayList<>();

    @Test
    void the_first_line_that_matches_counts() throws IOException {
        Passfile file = file(
                "# db1:5432:shop:ann:commented",
                "db1:5432:shop:bob:bobs",
                "db1:5432:other:ann:others",
                "db1:5432:shop:ann:first",
                "db1:5432:shop:ann:second");
        assertThat(file.password("db1", 5432, "shop", "ann")).isEqualTo("first");
        assertThat(file.password("db1", 5432, "shop", "bob")).isEqualTo("bobs");
        assertThat(file.password("db1", 5433, "shop", "ann")).isNull();
        assertThat(file.password("db", 5432, "shop", "ann")).isNull();
    }

    @Test
    void a_star_matches_all() throws IOException {
        Passfile file = file("*:*:shop:ann:one", "*:*:*:*:rest");
        assertThat(file.password("anywhere", 1, "shop", "ann")).isEqualTo("one");
        assertThat(file.password("anywhere", 1, "shop", "bob")).isEqualTo("rest");
    }

    @Test
    void colons_and_backslashes_are_escaped() throws IOException {
        Passfile file = file("\\:\\:1:5432:sh\\\\op:ann:pa\\:ss\\\\word:rest", "db1:5432:a*:ann:star");
        assertThat(file.password("::1", 5432, "sh\\op", "ann")).isEqualTo("pa:ss\\word");
        assertThat(file.password("db1", 5432, "a*", "ann")).isEqualTo("star");
        assertThat(file.password("db1", 5432, "abc", "ann")).isNull();
    }

    @Test
    void a_file_that_others_may_read_is_warned_of_once_and_ignored() throws IOException {
        Passfile file = file("*:*:*:*:secret");
        Files.setPosixFilePermissions(directory.resolve(".pgpass"), PosixFilePermissions.fromString("rw-r-----"));
        assertThat(file.password("db1", 5432, "shop", "ann")).isNull();
        assertThat(file.password("db1", 5432, "shop", "ann")).isNull();
        assertThat(warnings)
                .singleElement()
                .asString()
                .contains(".pgpass is ignored", "0600")
                .doesNotContain("secret");
    }

    @Test
    void no_file_is_no_password_and_a_directory_is_warned_of() {
        assertThat(new Passfile(directory.resolve("none"), warnings::add).password("a", 1, "b", "c"))
                .isNull();
        assertThat(warnings).isEmpty();
        assertThat(new Passfile(directory, warnings::add).password("a", 1, "b", "c"))
                .isNull();
        assertThat(warnings).singleElement().asString().contains("is no plain file");
    }

    @Test
    void a_changed_password_is_taken_without_a_restart() throws IOException {
        Passfile file = file("*:*:*:*:old");
        assertThat(file.password("a", 1, "b", "c")).isEqualTo("old");
        Files.writeString(directory.resolve(".pgpass"), "*:*:*:*:new\r\n");
        assertThat(file.password("a", 1, "b", "c")).isEqualTo("new");
    }

    private Passfile file(String... lines) throws IOException {
        Path path = Files.writeString(directory.resolve(".pgpass"), String.join("\n", lines) + "\n");
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        return new Passfile(path, warnings::add);
    }
}
