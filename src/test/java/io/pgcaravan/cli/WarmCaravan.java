package io.pgcaravan.cli;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A Java that is already there and runs one command after the other: for scripts, in which starting Java for each would take
 * most of the time. It says on which port of the loopback address it listens. What it is sent are texts that end in NUL: a
 * directory for the files {@code out} and {@code err}, the number of arguments, the arguments. It answers with the exit code.
 */
final class WarmCaravan {

    private WarmCaravan() {}

    public static void main(String[] none) throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 8, InetAddress.getByName("127.0.0.1"))) {
            System.out.println(socket.getLocalPort());
            System.out.flush();
            while (true) {
                try (Socket caller = socket.accept()) {
                    DataInputStream asked = new DataInputStream(caller.getInputStream());
                    Path directory = Path.of(text(asked));
                    String[] args = new String[Integer.parseInt(text(asked))];
                    for (int i = 0; i < args.length; i++) {
                        args[i] = text(asked);
                    }
                    int status = run(directory, args);
                    caller.getOutputStream().write((status + "\n").getBytes(StandardCharsets.UTF_8));
                }
            }
        }
    }

    private static int run(Path directory, String... args) throws IOException {
        try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(directory.resolve("out")));
                PrintWriter err = new PrintWriter(Files.newBufferedWriter(directory.resolve("err")))) {
            return Caravan.commandLine(args).setOut(out).setErr(err).execute(args);
        }
    }

    private static String text(DataInputStream asked) throws IOException {
        java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
        for (int b = asked.readByte(); b != 0; b = asked.readByte()) {
            bytes.write(b);
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
