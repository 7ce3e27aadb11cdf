/** The only package that knows Camel: endpoints for each step of a route, and the transaction around it. */
package io.pgcaravan.camel;
