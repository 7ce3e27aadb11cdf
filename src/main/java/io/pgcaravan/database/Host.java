package io.pgcaravan.database;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * One of the servers that a connection may go to.
 *
 * @param name a host's name or address, or the directory of a Unix socket; null for the local server's socket
 */
record Host(String name, int port) {

    boolean isSocket() {
        return name == null || name.startsWith("/");
    }

    /** Where the socket is, or would be. */
    Path socket(List<Path> directories) {
        String file = ".s.PGSQL." + port;
        if (name != null) {
            return Path.of(name, file);
        }
        return directories.stream()
                .map(directory -> directory.resolve(file))
                .filter(Files::exists)
                .findFirst()
                .orElse(directories.get(0).resolve(file));
    }
}
