package io.pgcaravan.database;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * One of the servers that a connection may go to.
 *
 * @param name a host's name or address, the directory of a Unix socket, or {@code @name} for a socket in the abstract
 *     namespace; null for the local server's socket, wherever that is
 * @param address the address to connect to where that is not what the name says, else null
 */
record Host(String name, String address, int port) {

    boolean isSocket() {
        return address == null && (name == null || name.startsWith("/") || name.startsWith("@"));
    }

    /** Where the socket is, or would be. */
    String socket(List<Path> directories) {
        String file = ".s.PGSQL." + port;
        if (name != null) {
            return name + "/" + file;
        }
        return directories.stream()
                .map(directory -> directory.resolve(file))
                .filter(Files::exists)
                .findFirst()
                .orElse(directories.get(0).resolve(file))
                .toString();
    }

    /** As the password file has it: the local server's socket is localhost there. */
    String inPassfile(List<Path> directories) {
        if (name == null) {
            return address == null ? "localhost" : address;
        }
        return isSocket() && directories.contains(Path.of(name)) ? "localhost" : name;
    }

    @Override
    public String toString() {
        return isSocket() ? "" : (name == null ? address : name) + ":" + port;
    }
}
