package io.pgcaravan.ship.compare;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Sha256;
import io.pgcaravan.ship.format.StrictJson;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;

/**
 * A file of lines of UTF-8, of which the first is a JSON object and the last has the SHA-256 of all before it. Where it comes
 * from is not trusted: links are not followed, the hash is checked before anything is believed, and lines have a longest length.
 */
final class SealedLines {

    /** As for the marker of a set. */
    static final int LONGEST_LINE = StrictJson.MOST_BYTES;

    private static final String END = "end\t";
    private static final int SEAL = END.length() + 64 + 1;

    private SealedLines() {}

    private static String seal(MessageDigest digest) {
        return END + HexFormat.of().formatHex(digest.digest()) + "\n";
    }

    /** Writes such a file under a temporary name, which it loses when it is complete and on disk. */
    static final class Writer implements AutoCloseable {

        private final Path file;
        private final Path temporary;
        private final FileChannel channel;
        private final MessageDigest digest = Sha256.digest();
        private final OutputStream out;

        Writer(Path file) throws IOException {
            this.file = file.toAbsolutePath();
            temporary = this.file.resolveSibling("." + this.file.getFileName() + ".tmp");
            Files.deleteIfExists(temporary);
            channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            out = new BufferedOutputStream(new DigestOutputStream(Channels.newOutputStream(channel), digest), 1 << 16);
        }

        void line(String text) throws IOException {
            out.write((text + "\n").getBytes(StandardCharsets.UTF_8));
        }

        void finish() throws IOException {
            out.flush();
            out.write(seal(digest).getBytes(StandardCharsets.US_ASCII));
            out.flush();
            channel.force(true);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }

        @Override
        public void close() throws IOException {
            channel.close();
            Files.deleteIfExists(temporary);
        }
    }

    /** Reads such a file, which is whole when this is there. All throw {@link ChangeSetException} where it is not as it should be. */
    static final class Reader implements AutoCloseable {

        private final Path file;
        private final SeekableByteChannel channel;
        private final InputStream in;
        private long left;

        /** @param mostBytes what no honest file exceeds */
        Reader(Path file, long mostBytes) throws IOException {
            this.file = file;
            try {
                channel = DropDirectory.open(file);
            } catch (NoSuchFileException e) {
                throw new ChangeSetException("there is no file " + file);
            } catch (DropDirectory.UnsafeFileException e) {
                throw refused(e.getMessage());
            }
            try {
                left = channel.size() - SEAL;
                if (left > mostBytes) {
                    throw refused("is longer than " + mostBytes + " bytes");
                }
                mustBeSealed();
                in = new BufferedInputStream(Channels.newInputStream(channel.position(0)), 1 << 16);
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        }

        private void mustBeSealed() throws IOException {
            MessageDigest digest = Sha256.digest();
            InputStream all = Channels.newInputStream(channel);
            byte[] buffer = new byte[1 << 16];
            for (long rest = left; rest > 0; ) {
                int n = all.readNBytes(buffer, 0, (int) Math.min(buffer.length, rest));
                digest.update(buffer, 0, n);
                rest = n == 0 ? 0 : rest - n;
            }
            if (!new String(all.readNBytes(SEAL), StandardCharsets.US_ASCII).equals(seal(digest))) {
                throw refused("is damaged or cut off: its last line is not the SHA-256 of what is before it");
            }
        }

        ChangeSetException refused(String why) {
            return new ChangeSetException(file + " is refused: it " + why + "; have it written again");
        }

        /** What the first line says. */
        <T> T header(Class<T> type) throws IOException {
            String first = line();
            try {
                return StrictJson.read(first == null ? new byte[0] : first.getBytes(StandardCharsets.UTF_8), type);
            } catch (MalformedException e) {
                throw refused(e.getMessage());
            }
        }

        /** The next line, null where none is left. */
        String line() throws IOException {
            if (left <= 0) {
                return null;
            }
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            while (true) {
                int b = left-- > 0 ? in.read() : -1;
                if (b == '\n') {
                    return bytes.toString(StandardCharsets.UTF_8);
                }
                if (b < 0 || bytes.size() == LONGEST_LINE) {
                    throw refused("has a line without an end");
                }
                bytes.write(b);
            }
        }

        /** A number of a line, from 0 to the most. */
        long number(String text, long most) {
            long number = number(text);
            if (number < 0 || number > most) {
                throw refused("has number " + number + ", which must be from 0 to " + most);
            }
            return number;
        }

        long number(String text) {
            try {
                return Long.parseLong(text);
            } catch (NumberFormatException e) {
                throw refused("has a text where a number must be");
            }
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
