package io.pgcaravan.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ComposeServerTest {

    @Test
    void it_connects_as_the_superuser_that_the_compose_file_makes() throws Exception {
        assertThat(Files.readString(Path.of("docker-compose.yml")))
                .contains("POSTGRES_USER: " + ComposeServer.USER + "\n");
    }
}
