mod datagram_queue;
mod datagrams;
mod flow_control;
mod read_buffer;
mod stream;
mod write_buffer;
