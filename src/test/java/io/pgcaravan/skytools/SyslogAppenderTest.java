package io.pgcaravan.skytools;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.core.layout.PatternLayout;
import org.apache.logging.log4j.message.SimpleMessage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

class SyslogAppenderTest {

    private static final int LOCAL0 = 16;
    private static final int PATIENCE = 20_000;

    @TempDir
    Path directory;

    @Test
    void lines_go_to_a_host_with_facility_and_severity() throws Exception {
        try (DatagramSocket syslog = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            SyslogAppender appender = appender(syslog.getLocalAddress().getHostAddress(), syslog.getLocalPort());
            appender.append(event(Level.INFO, "all is well"));
            assertThat(received(syslog)).isEqualTo("<134>archive: all is well");
            appender.append(event(Level.ERROR, "größer"));
            assertThat(received(syslog)).isEqualTo("<131>archive: größer");
            appender.stop();
        }
    }

    @Test
    void lines_go_to_a_unix_socket_and_one_that_is_away_does_no_harm() throws Exception {
        Path path = directory.resolve("log");
        SyslogAppender appender = appender(path.toString(), 0);
        appender.append(event(Level.WARN, "nobody hears it"));
        try (AFUNIXDatagramSocket syslog = AFUNIXDatagramSocket.newInstance()) {
            syslog.bind(AFUNIXSocketAddress.of(path.toFile()));
            appender.append(event(Level.WARN, "somebody does"));
            assertThat(received(syslog)).isEqualTo("<132>archive: somebody does");
        }
        Files.deleteIfExists(path);
        try (AFUNIXDatagramSocket again = AFUNIXDatagramSocket.newInstance()) {
            again.bind(AFUNIXSocketAddress.of(path.toFile()));
            appender.append(event(Level.WARN, "after a restart"));
            assertThat(received(again)).isEqualTo("<132>archive: after a restart");
        }
        appender.stop();
    }

    private static SyslogAppender appender(String host, int port) {
        SyslogAppender appender = new SyslogAppender(
                "syslog", PatternLayout.newBuilder().withPattern("%m%n").build(), host, port, LOCAL0, "archive: ");
        appender.start();
        return appender;
    }

    private static Log4jLogEvent event(Level level, String message) {
        return Log4jLogEvent.newBuilder()
                .setLevel(level)
                .setMessage(new SimpleMessage(message))
                .build();
    }

    private static String received(DatagramSocket socket) throws Exception {
        socket.setSoTimeout(PATIENCE);
        DatagramPacket packet = new DatagramPacket(new byte[1000], 1000);
        socket.receive(packet);
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8);
    }
}
