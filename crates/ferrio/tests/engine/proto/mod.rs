mod flow_control;
mod write_buffer;
