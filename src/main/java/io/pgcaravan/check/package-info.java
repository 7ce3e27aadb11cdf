/** A job is compared with the live databases, and what would stop it is said in words; nothing is changed. */
package io.pgcaravan.check;
